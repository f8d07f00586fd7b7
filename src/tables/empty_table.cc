// internal: and, where the machine has no NIS domain, nis: there is nothing to be found in them. A notice says why.
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "base/text.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

class EmptyTable final : public Table {
 public:
  explicit EmptyTable(std::string name) : name_(std::move(name)) {}

  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::indexed; }
  Lookup find(std::string_view) const override { return std::nullopt; }

 private:
  std::string name_;
};

bool has_nis_domain() {
  char domain[256] = "";
  if (::getdomainname(domain, sizeof domain - 1) != 0) return false;
  return domain[0] != '\0' && !iequals(domain, "(none)");
}

}  // namespace

// A store within one process, for caches that the process itself fills. Ours are not tables.
std::shared_ptr<const Table> make_internal_table(const TableSource& source) {
  source.log.info("{}: a table of type internal starts empty and nothing writes to it: lookups find nothing",
                  source.name());
  return std::make_shared<EmptyTable>(source.name());
}

std::shared_ptr<const Table> make_nis_table(const TableSource& source) {
  if (has_nis_domain()) {
    return std::make_shared<UnavailableTable>(
        source.name(), "unsupported dictionary type: nis (this program has no NIS client)", source.log);
  }
  source.log.info("{}: NIS domain name not set - NIS lookups disabled", source.name());
  return std::make_shared<EmptyTable>(source.name());
}

}  // namespace waypost::tables
