// static:value and static:{text with blanks}: the same answer to every key.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "tables/braces.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

class StaticTable final : public Table {
 public:
  StaticTable(std::string name, std::string value) : name_(std::move(name)), value_(std::move(value)) {}
  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::whole_only; }
  Lookup find(std::string_view) const override { return value_; }

 private:
  std::string name_, value_;
};

}  // namespace

std::shared_ptr<const Table> make_static_table(const TableSource& source) {
  const std::string& text = source.argument;
  if (!text.starts_with('{')) return std::make_shared<StaticTable>(source.name(), text);
  if (const auto inside = strip_braces(text)) return std::make_shared<StaticTable>(source.name(), std::string(*inside));
  const std::string_view why = balanced_length(text) == 0 ? "missing '}'" : "syntax error after '}'";
  return std::make_shared<UnavailableTable>(source.name(),
                                            fmt::format("bad static:name syntax: {} in \"{}\"", why, text), source.log);
}

}  // namespace waypost::tables
