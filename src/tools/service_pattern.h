// "name/type/rest", the way postconf's -M, -F and -P say which services they are about.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace waypost::tools {

struct ServicePattern {
  std::string name = "*", type = "*", rest = "*";

  // '*' matches everything.
  bool matches(std::string_view service_name, std::string_view service_type) const {
    return (name == "*" || name == service_name) && (type == "*" || type == service_type);
  }
};

// Parts that are missing become '*'. nullopt when there are fewer than `min_parts` or more than `max_parts`, when the
// text starts with a slash, or when a part holds a '*' and something else.
std::optional<ServicePattern> parse_service_pattern(std::string_view text, int min_parts, int max_parts);

}  // namespace waypost::tools
