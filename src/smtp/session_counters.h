// What a client asked for and got, by command: the tail of the disconnect line, which fail2ban and people read.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "smtp/command.h"

namespace waypost::smtp {

class SessionCounters {
 public:
  void asked(Verb verb) { ++at(verb).total; }
  void succeeded(Verb verb) { ++at(verb).success; }
  std::uint32_t total(Verb verb) const { return counts_[static_cast<std::size_t>(verb)].total; }
  std::uint32_t success(Verb verb) const { return counts_[static_cast<std::size_t>(verb)].success; }

  // "ehlo=1 auth=0/3 quit=1 commands=2/5": "success" or "success/total"; commands that did not come are left out.
  std::string text() const;

 private:
  struct Count {
    std::uint32_t success = 0, total = 0;
  };
  Count& at(Verb verb) { return counts_[static_cast<std::size_t>(verb)]; }

  std::array<Count, kVerbs> counts_{};
};

}  // namespace waypost::smtp
