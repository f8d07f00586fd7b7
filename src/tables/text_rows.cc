#include "tables/text_rows.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/text.h"
#include "tables/alias_source.h"
#include "tables/braces.h"
#include "tables/file_io.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

// Adds one row; false with `problem` set ends the reading.
bool add_row(RowIndex& rows, const Row& row, const std::string& path, const TextRowOptions& options,
             std::vector<std::string>& warnings, std::string& problem) {
  const std::string key = options.fold ? to_lower(row.key) : std::string(row.key);
  const auto added = options.duplicates == Duplicates::replace ? rows.put(key, row.value) : rows.add(key, row.value);
  if (added == RowIndex::Added::full) problem = fmt::format("{}: table too large", path);
  if (added != RowIndex::Added::duplicate) return problem.empty();
  auto text = fmt::format("{}, line {}: duplicate entry: \"{}\"", path, row.line, row.key);
  if (options.duplicates == Duplicates::warn) warnings.push_back(std::move(text));
  if (options.duplicates == Duplicates::refuse) problem = std::move(text);
  return problem.empty();
}

// The end of the key: the first '=' or blank outside double quotes and not behind a backslash; nullopt when a quote
// stays open.
std::optional<std::size_t> inline_key_end(std::string_view text) {
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_quotes = !in_quotes;
    } else if (!in_quotes && (text[i] == '=' || is_space(text[i]))) {
      return i;
    }
  }
  if (in_quotes) return std::nullopt;
  return text.size();
}

// Reads one item into `rows`; what is wrong with it, or "".
std::string add_inline_row(std::string_view word, RowIndex& rows) {
  std::string_view item = word;
  if (word.starts_with('{')) {
    const auto inside = strip_braces(word);
    if (!inside) return fmt::format("syntax error after '}}' in \"{}\"", word);
    item = *inside;
  }
  item = trim_left(item);
  const auto end = inline_key_end(item);
  if (!end) return "unbalanced '\"'";
  const auto rest = trim_left(item.substr(*end));
  if (!rest.starts_with('=')) return "missing '=' after attribute name";
  if (rows.put(to_lower(item.substr(0, *end)), trim(rest.substr(1))) == RowIndex::Added::full) return "table too large";
  return "";
}

}  // namespace

Result<std::shared_ptr<RowIndex>> load_text_rows(const std::string& path, const TextRowOptions& options,
                                                 std::vector<std::string>& warnings) {
  const auto text = read_whole_file(path);
  if (!text) return fail(text.error().code, fmt::format("open database {}: {}", path, text.error().text));
  auto rows = std::make_shared<RowIndex>();
  std::string problem;
  const auto take = [&](const Row& row) { return add_row(*rows, row, path, options, warnings, problem); };
  if (options.may_be_aliases && is_alias_source(*text)) {
    for_each_alias(*text, path, options.utf8, warnings,
                   [&](const AliasRow& row) { return take({row.name, row.value, row.line}); });
  } else {
    for_each_row(*text, path, {.ignored = " -- ignoring this line", .utf8 = options.utf8}, warnings, take);
  }
  if (!problem.empty()) return fail(Errc::invalid, std::move(problem));
  rows->shrink();
  return rows;
}

Result<RowIndex> parse_inline_rows(std::string_view text) {
  if (text.size() <= 2 || balanced_length(text) != text.size()) return fail(Errc::invalid, "bad syntax");
  RowIndex rows;
  std::string_view rest = text.substr(1, text.size() - 2);
  while (const auto word = next_word(rest)) {
    if (auto problem = add_inline_row(*word, rows); !problem.empty()) return fail(Errc::invalid, std::move(problem));
  }
  if (rows.size() == 0) return fail(Errc::invalid, "empty table");
  return rows;
}

}  // namespace waypost::tables
