#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "tools/postconf_layout.h"
#include "tools/postconf_show.h"

namespace waypost::tools {

const std::array<std::string_view, kServiceFieldCount> kServiceFields = {
    "service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"};

bool ServicePattern::matches(const config::Service& service) const {
  return (name == "*" || name == service.name) && (type == "*" || type == service.type);
}

std::optional<ServicePattern> parse_service_pattern(std::string_view text, int max_parts) {
  ServicePattern pattern;
  for (const std::string_view part : split(text, "/")) {
    switch (++pattern.parts) {
      case 1:
        pattern.name = part;
        break;
      case 2:
        pattern.type = part;
        break;
      case 3:
        pattern.rest = part;
        break;
      default:
        return std::nullopt;
    }
  }
  return pattern.parts >= 1 && pattern.parts <= max_parts ? std::optional(pattern) : std::nullopt;
}

std::string service_field(const config::Service& service, std::size_t field) {
  switch (field) {
    case 0:
      return service.name;
    case 1:
      return service.type;
    case 2:
      return service.columns.is_private;
    case 3:
      return service.columns.unprivileged;
    case 4:
      return service.columns.chroot;
    case 5:
      return service.columns.wakeup;
    case 6:
      return service.columns.process_limit;
    default:
      return layout_command(service, false);
  }
}

namespace {

// -x: the values of -o settings expanded as the service sees them.
config::Service expand_overrides(const config::Configuration& configuration, const config::Service& service) {
  config::Service expanded = service;
  const config::View view = configuration.view(&service);
  std::size_t option = 0;
  for (config::Override& override : expanded.overrides) {
    override.value = view.expanded(override.value).value_or(override.value);
    for (; option < expanded.args.size(); ++option) {
      const std::string_view argument = expanded.args[option];
      if (!argument.starts_with(override.name + "=") && !argument.starts_with("{" + override.name + "=")) continue;
      const bool grouped = std::ranges::any_of(override.value, is_space);
      expanded.args[option++] =
          fmt::format("{}{}={}{}", grouped ? "{" : "", override.name, override.value, grouped ? "}" : "");
      break;
    }
  }
  return expanded;
}

bool show_fields(const config::Service& service, const ServicePattern& pattern, const PostconfRequest& request,
                 std::string& out) {
  bool matched = false;
  for (std::size_t field = 0; field < kServiceFieldCount; ++field) {
    if (pattern.rest != "*" && pattern.rest != kServiceFields[field]) continue;
    matched = true;
    const std::string name = fmt::format("{}/{}/{}", service.name, service.type, kServiceFields[field]);
    if (field + 1 < kServiceFieldCount || request.hide_values) {
      out += layout_pair(name, service_field(service, field), request);
    } else {
      if (!request.hide_names) out += name + " =";
      out += layout_command(service, request.fold, request.hide_names ? 0 : name.size() + 2) + "\n";
    }
  }
  return matched;
}

bool show_overrides(const config::Service& service, const ServicePattern& pattern, const PostconfRequest& request,
                    std::string& out) {
  std::map<std::string, std::string> sorted;
  for (const config::Override& override : service.overrides) {
    if (pattern.rest == "*" || pattern.rest == override.name) sorted[override.name] = override.value;
  }
  for (const auto& [name, value] : sorted) {
    out += layout_pair(fmt::format("{}/{}/{}", service.name, service.type, name), value, request);
  }
  return !sorted.empty() || pattern.rest == "*";
}

struct Usage {
  int max_parts;
  std::string_view text;
};

Usage usage_of(PostconfSubject subject) {
  switch (subject) {
    case PostconfSubject::services:
      return {2, "-M option requires service_name[/type]"};
    case PostconfSubject::fields:
      return {3, "-F option requires service_name[/type[/field]]"};
    default:
      return {3, "-P option requires service_name[/type[/parameter]]"};
  }
}

bool show_service(const config::Service& service, const ServicePattern& pattern, const PostconfRequest& request,
                  std::string& out) {
  switch (request.subject) {
    case PostconfSubject::services:
      out += layout_service(service, request.fold);
      return true;
    case PostconfSubject::fields:
      return show_fields(service, pattern, request, out);
    default:
      return show_overrides(service, pattern, request, out);
  }
}

}  // namespace

Result<std::string> show_master(const config::Configuration& configuration, const PostconfRequest& request,
                                Warnings& warnings) {
  std::vector<std::string> wanted = request.words;
  if (wanted.empty()) wanted.emplace_back("*");
  const Usage usage = usage_of(request.subject);
  std::string out;
  for (const std::string& word : wanted) {
    const auto pattern = parse_service_pattern(word, usage.max_parts);
    if (!pattern) return fail(Errc::invalid, std::string(usage.text));
    bool matched = false;
    for (const config::Service& service : configuration.master.services()) {
      if (!pattern->matches(service)) continue;
      const bool shown =
          show_service(request.expand ? expand_overrides(configuration, service) : service, *pattern, request, out);
      matched = matched || shown;
    }
    if (!matched && !request.words.empty()) warnings.push_back(fmt::format("unmatched request: \"{}\"", word));
  }
  return out;
}

}  // namespace waypost::tools
