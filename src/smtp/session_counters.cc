#include "smtp/session_counters.h"

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::smtp {

std::string SessionCounters::text() const {
  std::string out;
  Count all;
  const auto add = [&out](std::string_view name, const Count& count, bool both) {
    fmt::format_to(std::back_inserter(out), "{}={}", name, count.success);
    if (both) fmt::format_to(std::back_inserter(out), "/{}", count.total);
  };
  for (std::size_t i = 0; i < kVerbs; ++i) {
    const Count& count = counts_[i];
    if (count.total == 0) continue;
    add(to_lower(verb_name(static_cast<Verb>(i))), count, count.success != count.total);
    out += ' ';
    all.success += count.success;
    all.total += count.total;
  }
  add("commands", all, all.success != all.total || all.total == 0);
  return out;
}

}  // namespace waypost::smtp
