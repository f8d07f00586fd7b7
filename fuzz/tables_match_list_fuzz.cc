// Pattern lists: first line the list, second line what is matched. Tables that stand on disk or at servers are kept out
// of it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "tables/match_list.h"
#include "tables/run_immediate.h"

namespace {

// Nothing that would open a file of this machine, or a connection.
bool reaches_out(std::string_view text) {
  for (const std::string_view part :
       {"/", "hash:", "btree:", "texthash:", "cidr:", "tcp:", "socketmap:", "memcache:", "pgsql:", "mysql:", "ldap:"}) {
    const auto at = text.find(part);
    if (at != std::string_view::npos &&
        (part != "/" || at == 0 || !std::string_view("0123456789abcdefABCDEF:]").contains(text[at - 1]))) {
      return true;
    }
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost;
  const std::string text(data, data + size);
  const auto end = std::min(text.find('\n'), text.size());
  const std::string list_text = text.substr(0, end), subject = text.substr(std::min(end + 1, text.size()));
  if (reaches_out(list_text)) return 0;
  static NullLog sink;
  static const SystemClock clock;
  tables::TableRegistry registry(Log(sink, "fuzz", 0), clock);
  for (const bool parents : {false, true}) {
    const tables::MatchList list("list", list_text, registry, {.parent_domains = parents});
    (void)tables::run_immediate(list.matches_string(subject));
    (void)tables::run_immediate(list.matches_domain(subject));
    (void)tables::run_immediate(list.matches_host(subject, "10.1.2.3"));
    (void)tables::run_immediate(list.matches_host("host.example.com", subject));
  }
  return 0;
}
