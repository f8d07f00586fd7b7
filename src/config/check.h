// What an operator should know about a configuration that parses: names that nothing reads, references to nothing,
// settings that Waypost does not honour, services it does not know. For `postfix check`, postconf and every start.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"
#include "config/load.h"

namespace waypost::config {

// Every finding, main.cf first, in the order of names and lines. Value errors are not here: they are found by whoever
// reads the value (see Reader). An error among them means that Waypost must not start with this configuration.
Findings check(const Configuration& configuration);

// The parts of it, for postconf. Only Postfix's own two warnings: "unused parameter: name=value" and
// "undefined parameter: name".
Findings check_unused(const Configuration& configuration);
Findings check_undefined(const Configuration& configuration);

// The first place, main.cf first, whose list holds the word ("hash:/etc/postfix/transport"); line 0: a default does.
Origin origin_of_word(const Configuration& configuration, std::string_view word);

}  // namespace waypost::config
