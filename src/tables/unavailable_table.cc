#include <utility>

#include "tables/types.h"

namespace waypost::tables {

UnavailableTable::UnavailableTable(std::string name, std::string reason, Log log)
    : name_(std::move(name)), reason_(std::move(reason)), log_(std::move(log)) {
  log_.error("{}", reason_);
}

Lookup UnavailableTable::find(std::string_view) const {
  std::string text = name_ + " is unavailable. " + reason_;
  if (!told_.exchange(true)) log_.warning("{}", text);
  return fail(Errc::unavailable, std::move(text));
}

}  // namespace waypost::tables
