#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "config/names.h"
#include "tools/postconf_layout.h"
#include "tools/postconf_show.h"
#include "tools/service_pattern.h"

namespace waypost::tools {

namespace {

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

struct Wanted {
  ServicePattern pattern;
  std::string text;
  bool matched = false;
};

Result<std::vector<Wanted>> parse_wanted(const PostconfRequest& request) {
  const Usage usage = usage_of(request.subject);
  std::vector<Wanted> wanted;
  for (const std::string& word : request.words) {
    const auto pattern = parse_service_pattern(word, 1, usage.max_parts);
    if (!pattern) return fail(Errc::invalid, std::string(usage.text));
    const std::string& field = pattern->rest;
    if (request.subject == PostconfSubject::fields && field != "*" &&
        std::ranges::find(kServiceFields, field) == kServiceFields.end()) {
      return fail(Errc::invalid, fmt::format("invalid service attribute name: \"{}\"", field));
    }
    wanted.push_back({*pattern, word});
  }
  if (wanted.empty()) wanted.emplace_back();
  return wanted;
}

class Services {
 public:
  Services(const config::Configuration& configuration, const PostconfRequest& request)
      : configuration_(configuration), request_(request) {}

  // Whether there was something to show.
  Result<bool> show(const config::Service& service, const ServicePattern& pattern) {
    if (request_.subject == PostconfSubject::service_parameters) return show_overrides(service, pattern);
    const auto shown = request_.expand ? expand_arguments(service) : service;
    if (!shown) return std::unexpected(shown.error());
    if (request_.subject == PostconfSubject::services) {
      out_ += layout_service(*shown, request_.fold);
      return true;
    }
    for (std::size_t field = 0; field < kServiceFieldCount; ++field) {
      if (pattern.rest == "*" || pattern.rest == kServiceFields[field]) out_ += layout_field(*shown, field, request_);
    }
    return true;
  }

  std::string take() { return std::move(out_); }

 private:
  // -x: what follows -o expanded as the service sees it.
  Result<config::Service> expand_arguments(const config::Service& service) const {
    config::Service expanded = service;
    const config::Service scope = config::with_shared_overrides(configuration_.master, service);
    const std::size_t operands = expanded.first_operand();
    for (std::size_t at = 0; at + 1 < operands; ++at) {
      if (!config::takes_value(expanded.args[at])) continue;
      auto value = configuration_.view(&scope).expanded(expanded.args[++at]);
      if (!value) return std::unexpected(value.error());
      expanded.args[at] = std::move(*value);
    }
    return expanded;
  }

  Result<bool> show_overrides(const config::Service& service, const ServicePattern& pattern) {
    const config::Service scope = config::with_shared_overrides(configuration_.master, service);
    std::map<std::string, std::string> sorted;
    for (const config::Override& override : scope.overrides) {
      if (config::is_read_only(override.name)) continue;  // has no effect
      if (pattern.rest == "*" || pattern.rest == override.name) sorted[override.name] = override.value;
    }
    for (const auto& [name, raw] : sorted) {
      const auto value = request_.expand ? configuration_.view(&scope).expanded(raw) : raw;
      if (!value) return std::unexpected(value.error());
      out_ += layout_pair(fmt::format("{}/{}/{}", service.name, service.type, name), *value, request_);
    }
    return !sorted.empty();
  }

  const config::Configuration& configuration_;
  const PostconfRequest& request_;
  std::string out_;
};

}  // namespace

Result<std::string> show_master(const config::Configuration& configuration, const PostconfRequest& request,
                                Warnings& warnings) {
  auto wanted = parse_wanted(request);
  if (!wanted) return std::unexpected(wanted.error());
  Services services(configuration, request);
  for (const config::Service& service : configuration.master.services()) {
    for (Wanted& one : *wanted) {
      if (!one.pattern.matches(service.name, service.type)) continue;
      const auto shown = services.show(service, one.pattern);
      if (!shown) return macro_error(shown.error(), warnings);
      one.matched = one.matched || *shown;
    }
  }
  for (const Wanted& one : *wanted) {
    if (!one.matched && !request.words.empty()) warnings.push_back(fmt::format("unmatched request: \"{}\"", one.text));
  }
  return services.take();
}

}  // namespace waypost::tools
