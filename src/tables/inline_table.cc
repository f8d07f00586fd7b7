// inline:{key=value, {key2 = text with blanks}}: rows in the configuration itself. The last of equal keys stays.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "tables/row_index.h"
#include "tables/text_rows.h"
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

}  // namespace

std::shared_ptr<const Table> make_inline_table(const TableSource& source) {
  auto rows = parse_inline_rows(source.argument);
  if (rows) return std::make_shared<InlineTable>(source.name(), std::move(*rows));
  return std::make_shared<UnavailableTable>(
      source.name(), fmt::format("{}: \"{}\"; need \"inline:{{name=value...}}\"", rows.error().text, source.name()),
      source.log);
}

}  // namespace waypost::tables
