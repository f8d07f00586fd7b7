// $-expansion of parameter values:
//   $name $(name) ${name}            the value, itself expanded; empty when undefined
//   $$                               a dollar sign
//   ${name?text} ${name:text}        text if the raw value is non-empty / is empty or undefined
//   ${name?{text1}:{text2}}          one of both
//   ${{left} OP {right}?{yes}:{no}}  OP: == != < <= > >=; numbers when both sides are digits, else bytes;
//                                    with the suffix "level" (<=level ...) compatibility levels, as 3.6 < 3.11
//   ${domain_to_ascii{text}}         text as it is when it is ASCII
//
// Malformed text, an endless loop and a value that grows beyond the limits below are Errc::invalid with Postfix's text.
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace waypost::config {

inline constexpr int kMaxExpansionDepth = 100;             // as Postfix
inline constexpr std::size_t kMaxExpandedBytes = 1 << 20;  // of all values read on the way
inline constexpr int kMaxExpansionSteps = 10'000;  // references followed: `a = $b$b`, `b = $c$c` ... is exponential

// What has been spent on one question. A raw value that is itself computed by expanding others (mydomain from
// $myhostname) spends from the budget of the question that asked for it: with budgets of their own, circles multiply
// instead of ending.
struct ExpansionBudget {
  int steps_left = kMaxExpansionSteps;
  std::size_t bytes_left = kMaxExpandedBytes;
};

// The raw value of a parameter; nullopt when nothing defines it.
using RawLookup = std::function<std::optional<std::string>(std::string_view name)>;

Result<std::string> expand(std::string_view text, const RawLookup& lookup);
Result<std::string> expand(std::string_view text, const RawLookup& lookup, ExpansionBudget& budget);

// Every parameter name that `text` refers to, in both branches of conditions, one level deep.
struct References {
  std::vector<std::string> names;
  std::string error;  // where malformed text ended the search; empty: nowhere
};
References references(std::string_view text);

// "3.6" -> a number that compares as the level does. nullopt for anything but up to three dotted numbers.
std::optional<std::uint64_t> parse_level(std::string_view text);

}  // namespace waypost::config
