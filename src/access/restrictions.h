// The vocabulary of the restriction lists as data: every name that Postfix knows, what follows it, and what it does
// here. Immutable; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/task.h"

namespace waypost::access {

class Evaluation;

// What one restriction says.
enum class Verdict : std::uint8_t { dunno, permit, refuse };

// What stands behind a restriction's name.
enum class Argument : std::uint8_t { none, table, service, domain, number };

struct RestrictionType {
  std::string_view name;
  Argument argument = Argument::none;
  // At most one of the two is set. Neither: known to Postfix, not to this program yet, or removed from both.
  Verdict (*decide)(Evaluation&) = nullptr;
  net::Task<Verdict> (*look_up)(Evaluation&) = nullptr;
  std::string_view instead = "";  // removed: what Postfix's message tells to use
  bool is_modifier = false;       // warn_if_reject: is about the restriction that follows
  bool ends_list = false;         // what follows it is never reached

  bool is_built() const { return decide != nullptr || look_up != nullptr || is_modifier; }
  bool is_removed() const { return !instead.empty(); }
};

// Names compare without regard to case. Null when Postfix does not know the name either.
const RestrictionType* find_restriction(std::string_view name);

// One step of a list. `problem` set: when it is reached the answer is 451 4.3.5, and this is the warning.
struct Restriction {
  const RestrictionType* type = nullptr;
  std::string name;
  std::string argument;
  std::string problem;
  bool is_class = false;            // of smtpd_restriction_classes: stands for
  std::vector<Restriction> nested;  // these
};

// smtpd_restriction_classes by name.
using RestrictionClasses = std::map<std::string, std::string, std::less<>>;
// Classes that name classes may be this deep, and a list with all its classes this long.
inline constexpr int kMaxClassDepth = 20;
inline constexpr std::size_t kMaxRestrictions = 10'000;

// Which list; decides what a bare "type:name" means and how refusals read.
enum class List : std::uint8_t { client, helo, sender, relay, recipient, data, end_of_data, etrn };

// "smtpd_client_restrictions"
std::string_view parameter_of(List list);
// "Client host" of "Client host rejected: Access denied"
std::string_view class_of(List list);

std::vector<Restriction> parse_restrictions(List list, std::string_view text, const RestrictionClasses& classes);

}  // namespace waypost::access
