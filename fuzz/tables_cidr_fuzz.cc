// cidr tables: the rules' parser, then a lookup of each line's first word and of fixed addresses.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "tables/cidr.h"
#include "tables/cidr_rules.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost::tables;
  const std::string text(data, data + size);
  std::vector<std::string> warnings;
  const auto rules = CidrRules::parse(text, "/f", warnings);
  for (const std::string_view key : {"10.1.2.3", "0.0.0.0", "::1", "2001:db8::1", "none", ""}) {
    const auto found = rules.find(key);
    WAYPOST_ASSERT(found.has_value());
  }
  for (const auto word : waypost::split(text, " \n")) {
    const auto cidr = parse_cidr(word);
    if (cidr) WAYPOST_ASSERT(cidr->contains(cidr->network));
    WAYPOST_ASSERT(rules.find(word).has_value());
  }
  return 0;
}
