// Table specifications that need no file: first line the key, the rest "type:name", with tables within tables and rules
// in braces.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "tables/registry.h"
#include "tables/run_immediate.h"

namespace {

// Nothing that opens a file or asks another program, and no expression of the C library, which has no limits.
bool is_contained(std::string_view text) {
  constexpr std::string_view kTypes[] = {
      "hash:",      "btree:",    "texthash:", "cdb:",   "lmdb:",  "regexp:", "unix:",    "tcp:",
      "socketmap:", "memcache:", "sqlite:",   "mysql:", "pgsql:", "ldap:",   "mongodb:", "nis:"};
  for (const auto type : kTypes) {
    if (text.contains(type)) return false;
  }
  // The others read a file when their name is not in braces.
  for (const std::string_view type : {"pcre:", "cidr:"}) {
    for (auto at = text.find(type); at != std::string_view::npos; at = text.find(type, at + 1)) {
      if (!text.substr(at + type.size()).starts_with('{')) return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost;
  const std::string text(data, data + size);
  const auto end = std::min(text.find('\n'), text.size());
  const std::string key = text.substr(0, end), spec = text.substr(std::min(end + 1, text.size()));
  if (!is_contained(spec)) return 0;
  static NullLog sink;
  static const SystemClock clock;
  tables::TableRegistry registry(Log(sink, "fuzz", 0), clock);
  const auto table = registry.open(spec);
  WAYPOST_ASSERT(table != nullptr && table == registry.open(spec));
  const auto found = table->find(key);
  const auto later = tables::run_immediate(table->find_later(key));
  WAYPOST_ASSERT(found.has_value() == later.has_value());
  if (!found) WAYPOST_ASSERT(!found.error().text.empty());
  (void)registry.problems();
  return 0;
}
