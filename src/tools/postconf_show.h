// The parts of postconf that print a configuration. Each answers the text for standard output; what is doubtful goes to
// `warnings`, in the order in which it is to be shown.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/load.h"
#include "tools/postconf_request.h"

namespace waypost::tools {

using Warnings = std::vector<std::string>;

// Errors: a value that cannot be expanded.
Result<std::string> show_parameters(const config::Configuration& configuration, const PostconfRequest& request,
                                    Warnings& warnings);
// -M, -F and -P. Errors: a malformed request.
Result<std::string> show_master(const config::Configuration& configuration, const PostconfRequest& request,
                                Warnings& warnings);

// "service/type/rest" taken apart; '*' matches everything, a missing part too.
struct ServicePattern {
  std::string name = "*", type = "*", rest = "*";
  int parts = 0;

  bool matches(const config::Service& service) const;
};
// nullopt when it has more than `max_parts` parts.
std::optional<ServicePattern> parse_service_pattern(std::string_view text, int max_parts);

// The eight columns by postconf's names: service type private unprivileged chroot wakeup process_limit command.
inline constexpr std::size_t kServiceFieldCount = 8;
extern const std::array<std::string_view, kServiceFieldCount> kServiceFields;
// The seven before the command, as written.
std::string service_field(const config::Service& service, std::size_t field);

}  // namespace waypost::tools
