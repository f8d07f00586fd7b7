#include "smtp/server_settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace waypost::smtp {

std::uint32_t parse_ehlo_keywords(std::string_view list, std::vector<std::string>* unknown) {
  using K = EhloKeywords;
  static constexpr std::array<std::pair<std::string_view, std::uint32_t>, 15> kNames = {{
      {"pipelining", K::kPipelining},
      {"size", K::kSize},
      {"vrfy", K::kVrfy},
      {"etrn", K::kEtrn},
      {"starttls", K::kStarttls},
      {"auth", K::kAuth},
      {"enhancedstatuscodes", K::kEnhancedStatusCodes},
      {"8bitmime", K::k8bitmime},
      {"dsn", K::kDsn},
      {"smtputf8", K::kSmtputf8},
      {"chunking", K::kChunking},
      {"silent-discard", K::kSilentDiscard},
      {"xclient", K::kXclient},
      {"xforward", K::kXforward},
      {"verp", K::kVerp},
  }};
  std::uint32_t bits = 0;
  for (const auto word : split(list, ", \t\r\n")) {
    const auto known = std::ranges::find_if(kNames, [word](const auto& name) { return iequals(name.first, word); });
    if (known != kNames.end()) {
      bits |= known->second;
    } else if (unknown != nullptr) {
      unknown->emplace_back(word);
    }
  }
  return bits;
}

}  // namespace waypost::smtp
