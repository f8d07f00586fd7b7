#include "tools/postmap_query.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "tables/db_rows.h"
#include "tables/text_rows.h"

namespace waypost::tools {
namespace {

using Rows = std::shared_ptr<const tables::RowIndex>;

// Keeps the warnings; what makes a table unusable is told by the error of its lookup.
class WarningSink final : public LogSink {
 public:
  void write(LogLevel level, std::string_view, std::uint32_t, std::string_view text) override {
    const bool is_problem = text.find(" is unavailable. ") != std::string_view::npos;
    if (level == LogLevel::warning && !is_problem) warnings.emplace_back(text);
  }
  std::vector<std::string> warnings;
};

// Null for types that do not consist of rows.
Result<Rows> load_rows(const TableName& table, const PostmapOptions& options, std::vector<std::string>& warnings) {
  const tables::TextRowOptions text{.duplicates = options.duplicates, .fold = options.fold, .utf8 = options.utf8};
  if (table.type == "hash" || table.type == "btree") {
    const auto kind = table.type == "hash" ? tables::DbKind::hash : tables::DbKind::btree;
    auto loaded = tables::load_db_or_text(table.type + ":" + table.path, table.path, kind, text);
    if (!loaded) return std::unexpected(loaded.error());
    warnings.insert(warnings.end(), loaded->warnings.begin(), loaded->warnings.end());
    if (!loaded->notice.empty()) warnings.push_back(loaded->notice);
    return Rows(std::move(loaded->rows));
  }
  if (table.type == "texthash") {
    auto rows = tables::load_text_rows(table.path, text, warnings);
    if (!rows) return std::unexpected(rows.error());
    return Rows(std::move(*rows));
  }
  if (table.type != "inline") return Rows();
  auto rows = tables::parse_inline_rows(table.path);
  if (!rows) {
    return fail(rows.error().code,
                fmt::format("{}: \"inline:{}\"; need \"inline:{{name=value...}}\"", rows.error().text, table.path));
  }
  return Rows(std::make_shared<tables::RowIndex>(std::move(*rows)));
}

// "TYPE:NAME is unavailable. REASON" -> REASON, which is all that Postfix's command says.
std::string reason_of(const Error& error) {
  constexpr std::string_view kMark = " is unavailable. ";
  const auto at = error.text.find(kMark);
  return at == std::string::npos ? error.text : error.text.substr(at + kMark.size());
}

}  // namespace

Result<QueriedTable> QueriedTable::open(const TableName& table, const PostmapOptions& options,
                                        std::vector<std::string>& warnings) {
  QueriedTable opened(table);
  opened.fold_ = options.fold;
  auto rows = load_rows(table, options, warnings);
  if (!rows) return std::unexpected(rows.error());
  opened.rows_ = std::move(*rows);
  if (opened.rows_) return opened;
  static const SystemClock clock;
  const auto sink = std::make_shared<WarningSink>();
  opened.sink_ = sink;
  tables::TableRegistry registry(Log(*sink, "postmap", 0), clock);
  opened.patterns_ = registry.open(opened.name());
  const auto probe = opened.patterns_->find("");
  warnings.insert(warnings.end(), sink->warnings.begin(), sink->warnings.end());
  if (!probe) return fail(probe.error().code, reason_of(probe.error()));
  return opened;
}

Result<std::optional<std::string>> QueriedTable::find(std::string_view key) const {
  if (patterns_) return patterns_->find(key);
  const auto value = rows_->get(fold_ ? to_lower(key) : std::string(key));
  if (!value) return std::nullopt;
  return std::string(*value);
}

Result<> QueriedTable::for_each(const std::function<void(std::string_view, std::string_view)>& visit) const {
  if (!rows_) return fail(Errc::unsupported, fmt::format("table {}: sequence operation is not supported", name()));
  rows_->for_each(visit);
  return {};
}

}  // namespace waypost::tools
