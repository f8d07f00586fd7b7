// A question about the lists that no client asks: the relay proof walks the real evaluation and answers for what only a
// live session could know (a table's content, DNS, a policy server). Null in every session.
#pragma once

#include <optional>

#include "access/restrictions.h"
#include "routing/router.h"

namespace waypost::access {

class Inquiry {
 public:
  virtual ~Inquiry() = default;
  // What to take as the restriction's word without evaluating it; nullopt: evaluate it.
  virtual std::optional<Verdict> assume(List list, const Restriction& restriction) = 0;
  // The recipient's route to take as given; nullopt: ask the router.
  virtual std::optional<routing::Route> assume_route() = 0;
  // The walk begins a list; then, in order, each restriction that was reached and what came of it.
  virtual void enter(List list) = 0;
  virtual void reached(List list, const Restriction& restriction, Verdict verdict) = 0;
};

}  // namespace waypost::access
