#include "config/check.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "config/inet_settings.h"
#include "config/names.h"
#include "config/parameter.h"
#include "config/values.h"

namespace waypost::config {

namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::array<std::string_view, 23> kCommands = {
    "anvil", "bounce", "cleanup", "discard",         "error",    "flush",   "lmtp",    "local",
    "oqmgr", "pickup", "pipe",    "postlogd",        "proxymap", "qmgr",    "scache",  "showq",
    "smtp",  "smtpd",  "tlsmgr",  "trivial-rewrite", "verify",   "virtual", "tlsproxy"};
// Programs of Postfix that Waypost does not stand in for.
constexpr std::array<std::string_view, 6> kMissingCommands = {"dnsblog",    "nbdb_reindexd", "nqmgr",
                                                              "postscreen", "qmqpd",         "spawn"};

// `Place` is a Setting or a Service.
template <class Place>
Finding found(FindingCode code, const Place& place, std::string text) {
  return make_finding(code, place.file, place.line, std::move(text));
}

bool reads(const Parameter& parameter, std::string_view command) {
  if (parameter.daemons.empty()) return true;
  const auto daemons = split(parameter.daemons, ",");
  if (std::ranges::find(daemons, command) != daemons.end()) return true;
  // Waypost gives a service of its own default nexthop a meaning; see waypost_service_relayhost.
  return parameter.name == "relayhost" && (command == "smtp" || command == "lmtp");
}

// Postfix's text without the value: it goes to the log, and a password may stand behind a misspelt name. With what was
// probably meant.
void reword_unused(Findings& findings) {
  constexpr std::string_view kMarker = "unused parameter: ";
  for (Finding& finding : findings) {
    const std::size_t at = finding.text.find(kMarker) + kMarker.size();
    const std::string name = finding.text.substr(at, finding.text.find('=', at) - at);
    finding.text.resize(at + name.size());
    finding.code = FindingCode::unused_parameter;
    const std::string_view near = nearest_parameter(name);
    if (near.empty()) continue;
    finding.text += fmt::format("; did you mean {}?", near);
    finding.remedy = fmt::format("write {}", near);
  }
}

// Whether what is set says the same as the default: nothing to tell about a parameter that does nothing.
bool says_default(const View& view, std::string_view name, const Parameter& parameter) {
  if (parameter.status == Status::honoured || parameter.type == Type::computed) return false;
  const auto value = view.value(name), fallback = view.expanded(parameter.default_value);
  return value && fallback && *value == *fallback;
}

void check_support(const Configuration& configuration, Findings& findings) {
  const View view = configuration.view();
  for (const auto& [name, setting] : configuration.main.settings()) {
    const Parameter* parameter = find_any_parameter(name);
    if (!parameter || parameter->type == Type::legacy || says_default(view, name, *parameter)) continue;
    if (parameter->status == Status::not_yet) {
      findings.push_back(found(FindingCode::unsupported_parameter, setting,
                               fmt::format("{} is not supported yet and has no effect", name)));
    } else if (parameter->status == Status::no_effect) {
      findings.push_back(found(FindingCode::parameter_without_effect, setting,
                               fmt::format("{} has no effect: {}", name, parameter->why)));
    }
  }
}

void check_overrides(const Configuration& configuration, const Service& service, Findings& findings) {
  const View view = configuration.view(&service);
  Names seen;
  for (const Override& override : service.overrides) {
    const Parameter* parameter = find_any_parameter(override.name);
    if (!parameter || parameter->type == Type::legacy || !seen.insert(override.name).second) continue;
    const std::string place = fmt::format("-o {} of service {}", override.name, printable(service.name));
    if (!reads(*parameter, service.command)) {
      findings.push_back(
          found(FindingCode::override_without_effect, service,
                fmt::format("{} has no effect: {} does not read it, only {}", place, printable(service.command),
                            fmt::join(split(parameter->daemons, ","), ", "))));
    } else if (says_default(view, override.name, *parameter)) {
      continue;
    } else if (parameter->status == Status::not_yet) {
      findings.push_back(found(FindingCode::unsupported_parameter, service,
                               fmt::format("{} is not supported yet and has no effect", place)));
    } else if (parameter->status == Status::no_effect) {
      findings.push_back(found(FindingCode::parameter_without_effect, service,
                               fmt::format("{} has no effect: {}", place, parameter->why)));
    }
  }
}

void check_service(const Configuration& configuration, const Service& service, Findings& findings) {
  const std::string_view command = service.command;
  if (service.type == "inet" && service.columns.is_private != "n") {
    findings.push_back(found(FindingCode::private_inet_service, service,
                             fmt::format("inet service cannot be private: {}", printable(service.name))));
  }
  if (std::ranges::find(kMissingCommands, command) != kMissingCommands.end()) {
    findings.push_back(found(FindingCode::unsupported_command, service,
                             fmt::format("service {}: command {} is not supported", printable(service.name), command)));
  } else if (std::ranges::find(kCommands, command) == kCommands.end()) {
    findings.push_back(
        found(FindingCode::unknown_command, service,
              fmt::format("service {}: unknown command {}", printable(service.name), printable(command))));
  }
  check_overrides(configuration, service, findings);
}

void check_inet(const Configuration& configuration, Findings& findings) {
  const View view = configuration.view();
  auto fault = inet_fault(view, configuration.machine);
  if (!fault) return;
  Origin origin = view.origin(fault->name);
  findings.push_back(make_finding(FindingCode::bad_value, std::move(origin.file), origin.line, std::move(fault->text)));
}

}  // namespace

Findings check_unused(const Configuration& configuration) { return survey(configuration).unused; }

Findings check_undefined(const Configuration& configuration) { return survey(configuration).doubtful; }

Origin origin_of_word(const Configuration& configuration, std::string_view word) {
  const auto holds = [&](const View& view, std::string_view name) {
    return std::ranges::any_of(split_list(view.value(name).value_or("")), [&](std::string_view given) {
      while (given.starts_with('!')) given.remove_prefix(1);
      if (given.starts_with("proxy:")) given.remove_prefix(6);
      return given == word;
    });
  };
  const View main = configuration.view();
  for (const auto& [name, setting] : configuration.main.settings()) {
    if (holds(main, name)) return {setting.file, setting.line};
  }
  for (const Service& service : configuration.master.services()) {
    const View view = configuration.view(&service);
    for (const Override& override : service.overrides) {
      if (holds(view, override.name)) return {service.file, service.line};
    }
  }
  return {};
}

Findings check(const Configuration& configuration) {
  Survey names = survey(configuration);
  Findings findings = std::move(names.unused);
  reword_unused(findings);
  for (Finding& finding : names.doubtful) {
    finding.code = FindingCode::undefined_parameter;
    findings.push_back(std::move(finding));
  }
  check_support(configuration, findings);
  check_inet(configuration, findings);
  for (const Service& service : configuration.master.services()) {
    if (!configuration.master.is_replaced(service)) check_service(configuration, service, findings);
  }
  return findings;
}

}  // namespace waypost::config
