// inline:{key=value, {key2 = text with blanks}}: rows in the configuration itself. The last of equal keys stays.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/text.h"
#include "tables/braces.h"
#include "tables/row_index.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

class InlineTable final : public Table {
 public:
  InlineTable(std::string name, RowIndex rows) : name_(std::move(name)), rows_(std::move(rows)) {}
  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::indexed; }
  Lookup find(std::string_view key) const override { return rows_.find(key); }

 private:
  std::string name_;
  RowIndex rows_;
};

// The '=' that ends the key: the first outside double quotes and not behind a backslash.
std::size_t equals_sign(std::string_view text) {
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_quotes = !in_quotes;
    } else if (text[i] == '=' && !in_quotes) {
      return i;
    }
  }
  return std::string_view::npos;
}

// Reads one item into `rows`; what is wrong with it, or "".
std::string add_row(std::string_view word, RowIndex& rows) {
  std::string_view item = word;
  if (word.starts_with('{')) {
    const auto inside = strip_braces(word);
    if (!inside) return fmt::format("syntax error after '}}' in \"{}\"", word);
    item = *inside;
  }
  const auto equals = equals_sign(item);
  if (equals == std::string_view::npos) return "missing '=' after attribute name";
  const auto key = trim(item.substr(0, equals));
  if (key.empty()) return "missing attribute name";
  if (rows.put(to_lower(key), trim(item.substr(equals + 1))) == RowIndex::Added::full) return "table too large";
  return "";
}

}  // namespace

std::shared_ptr<const Table> make_inline_table(const TableSource& source) {
  const std::string need = "need \"inline:{name=value...}\"";
  const std::string_view text = source.argument;
  if (text.empty() || balanced_length(text) != text.size() || text.size() == 2) {
    return std::make_shared<UnavailableTable>(source.name(), fmt::format("bad syntax: \"{}\"; {}", source.name(), need),
                                              source.log);
  }
  RowIndex rows;
  std::string_view rest = text.substr(1, text.size() - 2);
  std::string problem;
  while (problem.empty()) {
    const auto word = next_word(rest);
    if (!word) break;
    problem = add_row(*word, rows);
  }
  if (problem.empty() && rows.size() == 0) problem = "empty table";
  if (problem.empty()) return std::make_shared<InlineTable>(source.name(), std::move(rows));
  return std::make_shared<UnavailableTable>(source.name(), fmt::format("{}: \"{}\"; {}", problem, source.name(), need),
                                            source.log);
}

}  // namespace waypost::tables
