// environ: the process's environment. Keys are folded to lower case, so only names in lower case are ever found: that
// is how Postfix's tables of exact strings work. Never when the process runs with more rights than its user.
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

class EnvironTable final : public Table {
 public:
  EnvironTable(std::string name, bool fold) : name_(std::move(name)), fold_(fold) {}

  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::indexed; }
  Lookup find(std::string_view key) const override {
    const std::string wanted = fold_ ? to_lower(key) : std::string(key);
    const char* const value = ::secure_getenv(wanted.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  }

 private:
  std::string name_;
  bool fold_;
};

}  // namespace

std::shared_ptr<const Table> make_environ_table(const TableSource& source) {
  return std::make_shared<EnvironTable>(source.name(), source.fold);
}

}  // namespace waypost::tables
