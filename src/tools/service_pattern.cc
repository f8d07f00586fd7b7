#include "tools/service_pattern.h"

#include <array>

#include "base/text.h"

namespace waypost::tools {

std::optional<ServicePattern> parse_service_pattern(std::string_view text, int min_parts, int max_parts) {
  if (text.starts_with('/')) return std::nullopt;
  ServicePattern pattern;
  const std::array<std::string*, 3> parts = {&pattern.name, &pattern.type, &pattern.rest};
  int count = 0;
  for (const std::string_view part : split(text, "/")) {
    if (count == max_parts || (part.size() > 1 && part.find('*') != std::string_view::npos)) return std::nullopt;
    *parts[static_cast<std::size_t>(count++)] = part;
  }
  return count >= min_parts ? std::optional(pattern) : std::nullopt;
}

}  // namespace waypost::tools
