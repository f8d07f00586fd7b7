#include "tables/table_definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "config/logical_line.h"
#include "config/main_cf.h"
#include "config/parameter.h"
#include "config/values.h"
#include "tables/types.h"

namespace waypost::tables {

Result<TableDefinition> TableDefinition::read_file(const std::string& path) {
  const auto text = config::read_config_file(path);
  if (!text) return std::unexpected(text.error());
  TableDefinition made;
  made.name_ = path;
  config::Findings findings;
  for (const auto& line : config::read_logical_lines(*text, path, findings)) {
    const std::string place = fmt::format("{}, line {}", path, line.line());
    auto setting = config::split_name_value(line.text());
    // The line is not repeated: it may hold a password.
    if (!setting) return fail(Errc::invalid, fmt::format("{}: missing '=' after attribute name", place));
    const auto [at, is_new] =
        made.values_.insert_or_assign(std::move(setting->name), Value{Secret(std::move(setting->value)), place});
    if (!is_new) made.warn(fmt::format("{}: overriding earlier entry: {}", place, at->first));
  }
  for (const auto& finding : findings) made.warn(config::describe(finding));
  return made;
}

Result<TableDefinition> TableDefinition::read(const TableSource& source, std::span<const std::string_view> known) {
  const std::string& name = source.argument;
  if (name.empty()) return fail(Errc::invalid, fmt::format("{}: no name of a definition", source.type));
  TableDefinition made;
  if (name.front() == '/' || name.front() == '.') {
    auto read = read_file(name);
    if (!read) return read;
    made = std::move(*read);
  } else {
    made.name_ = name;
    if (source.settings.defined) {
      for (auto& parameter : source.settings.defined(name)) {
        made.values_.insert_or_assign(std::move(parameter.name),
                                      Value{Secret(std::move(parameter.value)), std::move(parameter.place)});
      }
    }
    if (made.values_.empty()) return fail(Errc::not_found, fmt::format("{}_... is not defined in main.cf", name));
  }
  made.check_names(source, known);
  return made;
}

void TableDefinition::check_names(const TableSource& source, std::span<const std::string_view> known) {
  for (const auto& [name, value] : values_) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = config::nearest_name(name, known);
    warn(fmt::format("{}: a {} table has no parameter {}{}", value.place, source.type, printable(name),
                     near.empty() ? std::string() : fmt::format("; did you mean {}?", near)));
  }
}

const TableDefinition::Value* TableDefinition::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

bool TableDefinition::has(std::string_view name) const {
  const auto* value = find(name);
  return value != nullptr && !value->text.empty();
}

std::string TableDefinition::text(std::string_view name, std::string_view otherwise) const {
  const auto* value = find(name);
  return std::string(value != nullptr ? value->text.reveal() : otherwise);
}

Secret TableDefinition::secret(std::string_view name) const {
  const auto* value = find(name);
  return value != nullptr ? value->text : Secret();
}

std::int64_t TableDefinition::number(std::string_view name, std::int64_t otherwise, std::int64_t min,
                                     std::int64_t max) {
  const auto* value = find(name);
  if (value == nullptr) return otherwise;
  const auto parsed = config::parse_integer(value->text.reveal());
  if (!parsed) {
    reject(fmt::format("{}: bad numerical configuration: {} = {}", value->place, name,
                       printable(value->text.reveal(), 100)));
  } else if (*parsed < min) {
    reject(fmt::format("{}: invalid {} parameter value {} < {}", value->place, name, *parsed, min));
  } else if (*parsed > max) {
    reject(fmt::format("{}: invalid {} parameter value {} > {}", value->place, name, *parsed, max));
  } else {
    return *parsed;
  }
  return otherwise;
}

bool TableDefinition::flag(std::string_view name, bool otherwise) {
  const auto* value = find(name);
  if (value == nullptr) return otherwise;
  const auto parsed = config::parse_flag(value->text.reveal());
  if (parsed) return *parsed;
  reject(
      fmt::format("{}: bad boolean configuration: {} = {}", value->place, name, printable(value->text.reveal(), 100)));
  return otherwise;
}

std::vector<std::string> TableDefinition::list(std::string_view name) const {
  const auto* value = find(name);
  return value != nullptr ? config::split_list(value->text.reveal()) : std::vector<std::string>();
}

void TableDefinition::reject(std::string reason) {
  if (problem_.empty()) problem_ = std::move(reason);
}

}  // namespace waypost::tables
