#include "smtp/trouble.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace waypost::smtp {
namespace {

using Row = std::pair<std::string_view, std::uint32_t>;

// By how the line begins; everything else is a client that does not know the protocol.
constexpr std::array<Row, 8> kCommands = {{
    {"503 5.5.1 Error: send HELO", Trouble::kPolicy},
    {"503 5.7.0 ", Trouble::kPolicy},
    {"530 ", Trouble::kPolicy},
    {"550 5.7.0 ", Trouble::kPolicy},
    {"552 ", Trouble::kPolicy},
    {"502 5.5.1 VRFY", Trouble::kPolicy},
    {"454 ", Trouble::kNone},  // logged as what it is
    {"535 ", Trouble::kNone},
}};

}  // namespace

std::optional<std::uint32_t> parse_trouble(std::string_view name) {
  constexpr std::array<Row, 6> kNames = {{{"protocol", Trouble::kProtocol},
                                          {"policy", Trouble::kPolicy},
                                          {"resource", Trouble::kResource},
                                          {"software", Trouble::kSoftware},
                                          {"data", Trouble::kData},
                                          {"bounce", Trouble::kBounce}}};
  for (const auto& [known, bit] : kNames) {
    if (iequals(known, name)) return bit;
  }
  return std::nullopt;
}

std::uint32_t trouble_of_command(std::string_view reply_line) {
  for (const auto& [beginning, bit] : kCommands) {
    if (reply_line.starts_with(beginning)) return bit;
  }
  return Trouble::kProtocol;
}

std::uint32_t trouble_of_refusal(const Reply& refusal) {
  const auto detail = std::string_view(refusal.dsn).substr(refusal.dsn.empty() ? 0 : 1);
  if (detail == ".3.5") return Trouble::kSoftware;
  if (detail == ".3.0" || detail == ".3.1") return Trouble::kResource;
  return detail == ".1.1" ? Trouble::kBounce : Trouble::kPolicy;
}

}  // namespace waypost::smtp
