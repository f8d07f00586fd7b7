#include "config/check.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "config/expand.h"
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
// Tables whose definition may stand in main.cf, as NAME_hosts, NAME_query ...
constexpr std::array<std::string_view, 6> kDefinedTables = {"ldap", "memcache", "mongodb", "mysql", "pgsql", "sqlite"};

bool is_builtin(std::string_view name) {
  const Parameter* parameter = find_parameter(name);
  return parameter && parameter->type != Type::legacy;
}

// What is read, found by following references from the parameters that programs read.
class Usage {
 public:
  explicit Usage(const Configuration& configuration) : configuration_(configuration) {
    for (const Parameter& parameter : all_parameters()) {
      if (parameter.type == Type::legacy) continue;
      const Setting* setting = configuration.main.find(parameter.name);
      if (!is_raw(parameter.name)) follow(setting ? std::string_view(setting->value) : parameter.default_value);
      if (parameter.name == "smtpd_restriction_classes" && setting) add_words(setting->value);
    }
    // what only an unused setting refers to counts as used: one complaint about the root is enough
    for (const auto& [name, setting] : configuration.main.settings()) {
      if (!is_builtin(name)) follow(setting.value);
    }
    for (const Service& service : configuration.master.services()) {
      for (const Override& override : service.overrides) {
        follow(override.value);
        if (override.name == "smtpd_restriction_classes") add_words(override.value);
      }
    }
  }

  bool is_used(std::string_view name) const {
    return used_.contains(name) || std::ranges::any_of(prefixes_, [&](const std::string& prefix) {
             return name.size() > prefix.size() && name.starts_with(prefix);
           });
  }

 private:
  // Marks what `text` refers to, and what that refers to.
  void follow(std::string_view text) {
    std::vector<std::string> pending = references(text);
    find_table_definitions(text);
    while (!pending.empty()) {
      std::string name = std::move(pending.back());
      pending.pop_back();
      if (!used_.insert(name).second || is_builtin(name)) continue;
      const Setting* setting = configuration_.main.find(name);
      if (!setting) continue;
      find_table_definitions(setting->value);
      std::ranges::move(references(setting->value), std::back_inserter(pending));
    }
  }

  void add_words(std::string_view value) {
    for (const std::string& word : split_list(value)) {
      used_.insert(word);
      if (const Setting* setting = configuration_.main.find(word)) follow(setting->value);
    }
  }

  void find_table_definitions(std::string_view text) {
    for (std::string_view word : split(text, ", \t\r\n{}")) {
      if (word.starts_with("proxy:")) word.remove_prefix(6);
      const std::size_t colon = word.find(':');
      if (colon == std::string_view::npos ||
          std::ranges::find(kDefinedTables, word.substr(0, colon)) == kDefinedTables.end())
        continue;
      const std::string_view name = word.substr(colon + 1);
      if (!name.empty() && name.front() != '/' && name.front() != '.') prefixes_.insert(std::string(name) + "_");
    }
  }

  const Configuration& configuration_;
  Names used_;
  Names prefixes_;
};

Finding warning(const Setting& setting, std::string text) {
  return {Severity::warning, setting.file, setting.line, std::move(text)};
}
Finding warning(const Service& service, std::string text) {
  return {Severity::warning, service.file, service.line, std::move(text)};
}

std::string suggestion(std::string_view name) {
  const std::string_view near = nearest_parameter(name);
  return near.empty() ? std::string() : fmt::format("; did you mean {}?", near);
}

bool reads(const Parameter& parameter, std::string_view command) {
  if (parameter.daemons.empty()) return true;
  const auto daemons = split(parameter.daemons, ",");
  if (std::ranges::find(daemons, command) != daemons.end()) return true;
  // Waypost gives a service of its own default nexthop a meaning; see waypost_service_relayhost.
  return parameter.name == "relayhost" && (command == "smtp" || command == "lmtp");
}

// Misspelt names get what was probably meant; the text before that is Postfix's.
void add_suggestions(Findings& findings, std::string_view marker) {
  for (Finding& finding : findings) {
    const std::size_t at = finding.text.find(marker) + marker.size();
    const std::string name = finding.text.substr(at, finding.text.find('=', at) - at);
    finding.text += suggestion(name);
  }
}

void check_support(const Configuration& configuration, Findings& findings) {
  for (const auto& [name, setting] : configuration.main.settings()) {
    const Parameter* parameter = find_any_parameter(name);
    if (!parameter || parameter->type == Type::legacy || setting.value == parameter->default_value) continue;
    if (parameter->status == Status::not_yet) {
      findings.push_back(warning(setting, fmt::format("{} is not supported yet and has no effect", name)));
    } else if (parameter->status == Status::no_effect) {
      findings.push_back(
          {Severity::info, setting.file, setting.line, fmt::format("{} has no effect: {}", name, parameter->why)});
    }
  }
}

void check_overrides(const Service& service, Findings& findings) {
  Names seen;
  for (const Override& override : service.overrides) {
    const Parameter* parameter = find_any_parameter(override.name);
    if (!parameter || parameter->type == Type::legacy || !seen.insert(override.name).second) continue;
    const std::string place = fmt::format("-o {} of service {}", override.name, printable(service.name));
    if (!reads(*parameter, service.command)) {
      findings.push_back(
          warning(service, fmt::format("{} has no effect: {} does not read it, only {}", place,
                                       printable(service.command), fmt::join(split(parameter->daemons, ","), ", "))));
    } else if (parameter->status == Status::not_yet) {
      findings.push_back(warning(service, fmt::format("{} is not supported yet and has no effect", place)));
    } else if (parameter->status == Status::no_effect) {
      findings.push_back(
          {Severity::info, service.file, service.line, fmt::format("{} has no effect: {}", place, parameter->why)});
    }
  }
}

void check_service(const Service& service, Findings& findings) {
  const std::string_view command = service.command;
  if (service.type == "inet" && service.columns.is_private != "n") {
    findings.push_back({Severity::error, service.file, service.line,
                        fmt::format("inet service cannot be private: {}", printable(service.name))});
  }
  if (std::ranges::find(kMissingCommands, command) != kMissingCommands.end()) {
    findings.push_back(
        warning(service, fmt::format("service {}: command {} is not supported", printable(service.name), command)));
  } else if (std::ranges::find(kCommands, command) == kCommands.end()) {
    findings.push_back(
        warning(service, fmt::format("service {}: unknown command {}", printable(service.name), printable(command))));
  }
  check_overrides(service, findings);
}

}  // namespace

bool has_transport_parameter(const Service& service, std::string_view suffix) {
  if (suffix == "_time_limit") return service.command == "pipe" || service.command == "spawn";
  return service.is_delivery_agent() && service.command != "discard";
}

bool is_known_parameter(const Configuration& configuration, std::string_view name) {
  if (is_builtin(name)) return true;
  const auto derived = find_transport_parameter(name);
  if (!derived) return false;
  const std::string_view suffix = name.substr(derived->service.size());
  return std::ranges::any_of(configuration.master.services(), [&](const Service& service) {
    return service.name == derived->service && has_transport_parameter(service, suffix);
  });
}

std::set<std::string, std::less<>> user_parameters(const Configuration& configuration) {
  const Usage usage(configuration);
  Names names;
  for (const auto& [name, setting] : configuration.main.settings()) {
    if (!is_known_parameter(configuration, name) && usage.is_used(name)) names.insert(name);
  }
  return names;
}

Findings check_unused(const Configuration& configuration) {
  const Usage usage(configuration);
  Findings findings;
  for (const auto& [name, setting] : configuration.main.settings()) {
    if (is_known_parameter(configuration, name) || usage.is_used(name)) continue;
    findings.push_back(warning(setting, fmt::format("unused parameter: {}={}", name, printable(setting.value))));
  }
  for (const Service& service : configuration.master.services()) {
    for (const Override& override : service.overrides) {
      if (is_known_parameter(configuration, override.name) || usage.is_used(override.name)) continue;
      findings.push_back(
          warning(service, fmt::format("unused parameter: {}={}", override.name, printable(override.value))));
    }
  }
  return findings;
}

Findings check_undefined(const Configuration& configuration) {
  Findings findings;
  Names named;
  const auto is_defined = [&](std::string_view name) {
    return find_any_parameter(name) != nullptr || configuration.main.find(name) != nullptr;
  };
  for (const auto& [name, setting] : configuration.main.settings()) {
    if (is_raw(name)) continue;
    for (const std::string& wanted : references(setting.value)) {
      if (is_defined(wanted) || !named.insert(wanted).second) continue;
      findings.push_back(warning(setting, fmt::format("undefined parameter: {}", wanted)));
    }
  }
  for (const Service& service : configuration.master.services()) {
    Names in_service;
    for (const Override& override : service.overrides) {
      if (is_raw(override.name)) continue;
      for (const std::string& wanted : references(override.value)) {
        if (is_defined(wanted) || service.find_override(wanted) || !in_service.insert(wanted).second) continue;
        findings.push_back(warning(service, fmt::format("undefined parameter: {}", wanted)));
      }
    }
  }
  return findings;
}

Findings check(const Configuration& configuration) {
  Findings findings = check_unused(configuration);
  add_suggestions(findings, "unused parameter: ");
  std::ranges::move(check_undefined(configuration), std::back_inserter(findings));
  check_support(configuration, findings);
  for (const Service& service : configuration.master.services()) {
    if (!configuration.master.is_replaced(service)) check_service(service, findings);
  }
  return findings;
}

}  // namespace waypost::config
