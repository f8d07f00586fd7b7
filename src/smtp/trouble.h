// What goes wrong in a dialogue, sorted as notify_classes does, so that the postmaster can be told of the kinds that he
// asked for. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "smtp/reply.h"

namespace waypost::smtp {

// Bits.
struct Trouble {
  static constexpr std::uint32_t kNone = 0, kProtocol = 1, kPolicy = 2, kResource = 4, kSoftware = 8, kData = 16,
                                 kBounce = 32;
};

// "protocol", "policy" ...; nullopt: not a class that an SMTP dialogue can meet.
std::optional<std::uint32_t> parse_trouble(std::string_view name);

// Of a reply that the dialogue itself gives to a command.
std::uint32_t trouble_of_command(std::string_view reply_line);
// Of a refusal that policy, limits or the queue asked for.
std::uint32_t trouble_of_refusal(const Reply& refusal);

}  // namespace waypost::smtp
