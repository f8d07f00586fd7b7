// Where one word of a list stands: values are kept as one text with the line where they begin, and a list of
// restrictions spans many lines.
#pragma once

#include <string_view>

#include "config/load.h"
#include "config/view.h"

namespace waypost::review {

// The place of the `occurrence`-th (0-based) `word` in the value that `parameter` has for the service (null: main.cf
// alone), also behind a $name in it or in a restriction class. Falls back to the line where the parameter is set; line
// 0 when it has its default. Reads the file anew; blocking.
config::Origin place_of_word(const config::Configuration& configuration, const config::Service* service,
                             std::string_view parameter, std::string_view word, int occurrence = 0);

}  // namespace waypost::review
