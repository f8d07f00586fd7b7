// fail: every lookup is a temporary failure, to see what a configuration does then.
#include <fmt/format.h>

#include <utility>

#include "tables/types.h"

namespace waypost::tables {
namespace {

class FailTable final : public Table {
 public:
  explicit FailTable(std::string name) : name_(std::move(name)) {}

  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::whole_only; }
  Lookup find(std::string_view) const override {
    return fail(Errc::unavailable, fmt::format("{}: lookups in this table always fail", name_));
  }

 private:
  std::string name_;
};

}  // namespace

std::shared_ptr<const Table> make_fail_table(const TableSource& source) {
  return std::make_shared<FailTable>(source.name());
}

}  // namespace waypost::tables
