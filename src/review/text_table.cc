#include "review/text_table.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/text.h"
#include "config/values.h"
#include "tables/alias_source.h"
#include "tables/braces.h"
#include "tables/cidr_rules.h"
#include "tables/database.h"
#include "tables/pattern.h"
#include "tables/pattern_rules.h"
#include "tables/registry.h"
#include "tables/source_file.h"
#include "tables/table_list.h"

namespace waypost::review {
namespace {

constexpr std::string_view kProxy = "proxy:";
constexpr std::array<std::string_view, 3> kPatternTypes = {"cidr", "pcre", "regexp"};

bool is_pattern_type(std::string_view type) { return std::ranges::find(kPatternTypes, type) != kPatternTypes.end(); }

// A key may be quoted, and a backslash keeps the next character.
std::string unquoted(std::string_view key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '"') continue;
    if (key[i] == '\\' && i + 1 < key.size()) ++i;
    out += key[i];
  }
  return out;
}

// "/pattern/flags value" and "network value": the pattern as written, and what follows.
TableRow split_pattern(std::string_view line, bool is_cidr) {
  std::size_t end = line.find_first_of(" \t");
  const std::size_t first = line.find_first_not_of("! \t");
  if (!is_cidr && first != std::string_view::npos) {
    std::size_t at = first + 1;
    while (at < line.size() && line[at] != line[first]) at += line[at] == '\\' ? 2 : 1;
    end = at < line.size() ? line.find_first_of(" \t", at) : std::string_view::npos;
  }
  TableRow row;
  row.key = line.substr(0, end);
  if (end != std::string_view::npos) row.value = trim(line.substr(end));
  return row;
}

// What is wrong with a rule is told by whoever reads the rules to use them.
void check_patterns(std::string_view type, std::string_view text, TextTable& table) {
  NullLog log;
  if (type == "cidr") {
    tables::CidrRules::parse(text, table.file, table.warnings);
  } else {
    const auto& dialect = type == "pcre" ? tables::kPcreDialect : tables::kRegexpDialect;
    tables::PatternRules::parse(dialect, text, table.file, Log(log, "", 0), table.warnings);
  }
}

void read_patterns(std::string_view type, std::string_view text, TextTable& table) {
  check_patterns(type, text, table);
  std::vector<std::string> told_already;
  tables::LogicalLines lines(text, table.file, told_already);
  tables::LogicalLine line;
  while (lines.next(line) && table.rows.size() <= kMaxReviewedRows) {
    if (istarts_with(line.text, "if") || istarts_with(line.text, "endif")) continue;
    TableRow row = split_pattern(trim(line.text), type == "cidr");
    row.line = line.number;
    table.rows.push_back(std::move(row));
  }
}

void read_rows(std::string_view text, TextTable& table) {
  tables::for_each_row(text, table.file, {}, table.warnings, [&](const tables::Row& row) {
    table.rows.push_back({to_lower(unquoted(row.key)), std::string(row.value), row.line});
    return table.rows.size() <= kMaxReviewedRows;
  });
}

void read_aliases(std::string_view text, TextTable& table) {
  tables::for_each_alias(text, table.file, false, table.warnings, [&](const tables::AliasRow& row) {
    table.rows.push_back({to_lower(row.name), row.value, row.line});
    return table.rows.size() <= kMaxReviewedRows;
  });
}

// "{key = value, {key = text}}"
void read_inline(std::string_view body, TextTable& table) {
  const auto inside = tables::strip_braces(body);
  if (!inside) return;
  for (std::string_view word : tables::split_list(*inside)) {
    if (const auto group = tables::strip_braces(word)) word = *group;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    table.rows.push_back({to_lower(trim(word.substr(0, equals))), std::string(trim(word.substr(equals + 1))), 0});
  }
}

void add_references(std::string_view value, const std::string& parameter, const std::string& file, int line,
                    std::set<std::string>& known, std::vector<TableReference>& out) {
  for (const std::string_view word : tables::split_list(value)) {
    auto reference = parse_table_word(word);
    if (!reference || !known.insert(reference->name()).second) continue;
    reference->parameter = parameter;
    reference->file = file;
    reference->line = line;
    out.push_back(std::move(*reference));
  }
}

}  // namespace

std::optional<std::string_view> database_suffix(std::string_view type) {
  const auto* const database = tables::find_database(type);
  return database != nullptr ? std::optional(database->suffix) : std::nullopt;
}

std::optional<TableReference> parse_table_word(std::string_view word) {
  if (word.starts_with(kProxy)) word.remove_prefix(kProxy.size());
  const auto colon = word.find(':');
  if (colon == std::string_view::npos || colon + 1 == word.size() || !tables::is_known_type(word.substr(0, colon)))
    return std::nullopt;
  TableReference out;
  out.type = word.substr(0, colon);
  out.path = word.substr(colon + 1);
  return out;
}

std::optional<TextTable> parse_table_text(std::string_view type, const std::string& file, std::string_view text) {
  TextTable table;
  table.name = fmt::format("{}:{}", type, file);
  table.file = file;
  table.patterns = is_pattern_type(type);
  if (!table.patterns && type != "texthash" && !database_suffix(type)) return std::nullopt;
  if (table.patterns) {
    read_patterns(type, text, table);
  } else if (database_suffix(type) && tables::is_alias_source(text)) {
    read_aliases(text, table);
  } else {
    read_rows(text, table);
  }
  if (table.rows.size() > kMaxReviewedRows) return std::nullopt;
  return table;
}

std::optional<TextTable> read_text_table(std::string_view type_name) {
  const auto reference = parse_table_word(type_name);
  if (!reference) return std::nullopt;
  TextTable table;
  table.name = reference->name();
  if (reference->type == "static") {
    const auto text = tables::strip_braces(reference->path);
    table.rows.push_back({"", text ? std::string(*text) : reference->path, 0});
    return table;
  }
  if (reference->type == "inline") {
    table.name = "inline:{...}";  // its rows may be passwords, and names are for messages
    read_inline(reference->path, table);
    return table;
  }
  if (!reference->path.starts_with('/')) return std::nullopt;
  const auto text = config::read_config_file(reference->path);
  if (!text) return std::nullopt;
  return parse_table_text(reference->type, reference->path, *text);
}

std::vector<TableReference> table_references(const config::Configuration& configuration) {
  std::vector<TableReference> out;
  std::set<std::string> known;
  const config::View main = configuration.view();
  for (const auto& [name, setting] : configuration.main.settings()) {
    add_references(main.value(name).value_or(""), name, setting.file, setting.line, known, out);
  }
  for (const config::Service& service : configuration.master.services()) {
    if (configuration.master.is_replaced(service)) continue;
    const config::View view = configuration.view(&service);
    for (const config::Override& override : service.overrides) {
      add_references(view.value(override.name).value_or(""), override.name, service.file, service.line, known, out);
    }
  }
  return out;
}

}  // namespace waypost::review
