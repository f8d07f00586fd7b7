#include "tools/postmap_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "tables/database_rows.h"
#include "tables/source_file.h"
#include "tables/text_rows.h"
#include "tools/file_values.h"

namespace waypost::tools {
namespace {

constexpr std::string_view kUnavailable = " is unavailable. ";
constexpr std::string_view kBadUtf8 = "malformed UTF-8 or invalid codepoint";

// "TYPE:NAME is unavailable. REASON" -> REASON, which is all that Postfix's command says.
std::string reason_of(const std::string& text) {
  const auto at = text.find(kUnavailable);
  return at == std::string::npos ? text : text.substr(at + kUnavailable.size());
}

}  // namespace

// Keeps the warnings; what makes a table unusable is told by the error of its lookup.
class QueriedTable::Sink final : public LogSink {
 public:
  void write(LogLevel level, std::string_view, std::uint32_t, std::string_view text) override {
    const bool is_problem = text.find(kUnavailable) != std::string_view::npos;
    if (level == LogLevel::warning && !is_problem) warnings_.emplace_back(text);
  }
  void take(std::vector<std::string>& into) {
    std::ranges::move(warnings_, std::back_inserter(into));
    warnings_.clear();
  }

 private:
  std::vector<std::string> warnings_;
};

QueriedTable::QueriedTable(TableName table, const PostmapOptions& options)
    : table_(std::move(table)),
      opened_name_(table_.text()),
      fold_(options.fold),
      utf8_(options.utf8 && (options.force_utf8 || !options.keys_are_message())),
      values_are_files_(options.values_are_files) {}

Result<QueriedTable> QueriedTable::open(const TableName& table, const PostmapOptions& options,
                                        std::vector<std::string>& warnings) {
  QueriedTable opened(table, options);
  if (auto named = check_name(table); !named) return std::unexpected(named.error());
  const tables::TextRowOptions text{.duplicates = options.duplicates, .fold = options.fold, .utf8 = options.utf8};
  if (const auto* database = tables::find_database(table.type)) {
    auto loaded = tables::load_database_or_text(*database, table.path, text, options.nul_bytes);
    if (!loaded) return std::unexpected(loaded.error());
    warnings.insert(warnings.end(), loaded->warnings.begin(), loaded->warnings.end());
    if (!loaded->notice.empty()) warnings.push_back(loaded->notice);
    opened.has_stored_files_ = loaded->notice.empty();
    opened.can_list_ = database->can_change;
    opened.opened_name_ += database->opened_suffix;
    opened.rows_ = std::move(loaded->rows);
    return opened;
  }
  if (table.type == "texthash") {
    auto rows = tables::load_text_rows(table.path, text, warnings);
    if (!rows) return std::unexpected(rows.error());
    opened.can_list_ = true;
    opened.rows_ = std::move(*rows);
    return opened;
  }
  if (table.type == "inline") {
    auto rows = tables::parse_inline_rows(table.path);
    if (!rows) {
      return fail(rows.error().code,
                  fmt::format("{}: \"{}\"; need \"inline:{{name=value...}}\"", rows.error().text, table.text()));
    }
    opened.can_list_ = true;
    opened.rows_ = std::make_shared<tables::RowIndex>(std::move(*rows));
    return opened;
  }
  static const SystemClock clock;
  opened.sink_ = std::make_shared<Sink>();
  auto registry = std::make_shared<tables::TableRegistry>(Log(*opened.sink_, "postmap", 0), clock, options.fold,
                                                          options.table_settings);
  opened.other_ = registry->open(opened.name());
  opened.sink_->take(warnings);
  if (const auto problems = registry->problems(); !problems.empty()) {
    return fail(Errc::unavailable, reason_of(problems.front()));
  }
  opened.registry_ = std::move(registry);
  return opened;
}

Result<std::optional<std::string>> QueriedTable::find_stored(std::string_view key,
                                                             std::vector<std::string>& warnings) const {
  if (rows_) {
    const auto value = rows_->get(fold_ ? to_lower(key) : std::string(key));
    if (!value) return std::nullopt;
    return std::string(*value);
  }
  auto found = other_->find(key);
  sink_->take(warnings);
  if (!found) return fail(found.error().code, fmt::format("table {}: query error: Application error", opened_name_));
  return found;
}

Result<std::string> QueriedTable::content_of(const std::string& value) const {
  return has_stored_files_ ? decode_stored_file(value) : read_named_files(value);
}

Result<std::optional<std::string>> QueriedTable::find(std::string_view key, std::vector<std::string>& warnings) const {
  if (utf8_ && !tables::is_utf8(key)) {
    warnings.push_back(fmt::format("{}: non-UTF-8 key \"{}\": {}", opened_name_, printable(key), kBadUtf8));
    return std::nullopt;
  }
  auto found = find_stored(key, warnings);
  if (!found || !*found) return found;
  if (utf8_ && !tables::is_utf8(**found)) {
    warnings.push_back(
        fmt::format("{}: key \"{}\": non-UTF-8 value \"{}\": {}", opened_name_, key, printable(**found), kBadUtf8));
    return fail(Errc::invalid, fmt::format("table {}: query error", opened_name_));
  }
  if (!values_are_files_) return found;
  auto content = content_of(**found);
  if (content) return std::move(*content);
  warnings.push_back(fmt::format("table {}: key {}: {}", opened_name_, key, content.error().text));
  return fail(Errc::invalid, fmt::format("table {}: query error", opened_name_));
}

Result<> QueriedTable::for_each(const std::function<void(std::string_view, std::string_view)>& visit) const {
  if (!can_list_) {
    if (table_.type == "fail")
      return fail(Errc::io, fmt::format("table {}: sequence error: Application error", opened_name_));
    return fail(Errc::unsupported, fmt::format("table {}: sequence operation is not supported", opened_name_));
  }
  rows_->for_each(visit);
  return {};
}

}  // namespace waypost::tools
