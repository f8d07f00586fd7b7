#include "daemon/reload_changes.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "review/text_table.h"

namespace waypost::daemon {
namespace {

constexpr std::string_view kNotSet = "(not set)", kHidden = "(hidden)";

// "scheme://user:password@host"
bool holds_login(std::string_view value) {
  const auto scheme = value.find("://");
  if (scheme == std::string_view::npos) return false;
  const auto login = value.substr(scheme + 3);
  const auto at = login.rfind('@');
  return at != std::string_view::npos && login.substr(0, at).find(':') != std::string_view::npos;
}

// Names of passwords, tables whose rows stand in the parameter itself, and addresses of servers with a password.
bool is_secret(std::string_view name, std::string_view value) {
  const std::string folded = to_lower(name);
  const bool is_about_passwords =
      folded.find("pass") != std::string::npos || folded.find("secret") != std::string::npos;
  if (folded.ends_with("_pw") || holds_login(value)) return true;
  if (!is_about_passwords) return false;
  const bool names_files = folded.ends_with("_maps") || folded.ends_with("_file") || folded.ends_with("_delimiter");
  return !names_files || value.find("static:") != std::string_view::npos ||
         value.find("inline:") != std::string_view::npos;
}

std::string shown(std::string_view name, const std::optional<std::string>& value) {
  if (!value) return std::string(kNotSet);
  if (is_secret(name, *value)) return std::string(kHidden);
  if (value->empty()) return "(empty)";
  return printable(*value, kMaxShownValue);
}

class Comparison {
 public:
  std::vector<std::string> finish() {
    if (omitted_ > 0) lines_.push_back(fmt::format("and {} more changes", omitted_));
    return std::move(lines_);
  }

  void compare(std::string_view place, std::string_view name, const std::optional<std::string>& old_value,
               const std::optional<std::string>& new_value) {
    if (old_value == new_value) return;
    add(fmt::format("{}{}: {} -> {}", place, name, shown(name, old_value), shown(name, new_value)));
  }

  void add(std::string line) {
    if (lines_.size() < kMaxReloadLines) {
      lines_.push_back(std::move(line));
    } else {
      ++omitted_;
    }
  }

 private:
  std::vector<std::string> lines_;
  std::size_t omitted_ = 0;
};

std::optional<std::string> value_of(const config::MainCf& main, std::string_view name) {
  const config::Setting* setting = main.find(name);
  return setting ? std::optional(setting->value) : std::nullopt;
}

std::optional<std::string> value_of(const config::Service& service, std::string_view name) {
  const config::Override* found = service.find_override(name);
  return found ? std::optional(found->value) : std::nullopt;
}

void compare_parameters(const config::MainCf& before, const config::MainCf& after, Comparison& out) {
  std::set<std::string_view> names;
  for (const auto* main : {&before, &after}) {
    for (const auto& [name, _] : main->settings()) names.insert(name);
  }
  for (const auto name : names) out.compare("", name, value_of(before, name), value_of(after, name));
}

// The operands after the options; those of pipe may hold anything, so only that they changed is told.
std::vector<std::string> operands(const config::Service& service) {
  return {service.args.begin() + static_cast<std::ptrdiff_t>(service.first_operand()), service.args.end()};
}

void compare_service(const std::string& key, const config::Service& before, const config::Service& after,
                     Comparison& out) {
  const std::string place = fmt::format("service {}: ", key);
  out.compare(place, "command", before.command, after.command);
  const std::pair<std::string_view, std::string config::ServiceColumns::*> columns[] = {
      {"private", &config::ServiceColumns::is_private},
      {"unprivileged", &config::ServiceColumns::unprivileged},
      {"chroot", &config::ServiceColumns::chroot},
      {"wakeup", &config::ServiceColumns::wakeup},
      {"maxproc", &config::ServiceColumns::process_limit}};
  for (const auto& [name, column] : columns) out.compare(place, name, before.columns.*column, after.columns.*column);
  std::set<std::string_view> names;
  for (const auto* service : {&before, &after}) {
    for (const config::Override& override : service->overrides) names.insert(override.name);
  }
  for (const auto name : names) out.compare(place + "-o ", name, value_of(before, name), value_of(after, name));
  if (before.verbose != after.verbose) out.add(fmt::format("{}-v: {} -> {}", place, before.verbose, after.verbose));
  if (operands(before) != operands(after)) out.add(place + "the arguments of its command changed");
}

std::map<std::string, const config::Service*> services_of(const config::MasterCf& master) {
  std::map<std::string, const config::Service*> out;
  for (const config::Service& service : master.services()) {
    if (!master.is_replaced(service))
      out.emplace(fmt::format("{}/{}", printable(service.name), service.type), &service);
  }
  return out;
}

void compare_services(const config::MasterCf& before, const config::MasterCf& after, Comparison& out) {
  const auto old_services = services_of(before), new_services = services_of(after);
  for (const auto& [key, service] : old_services) {
    const auto found = new_services.find(key);
    if (found == new_services.end()) {
      out.add(fmt::format("service {}: removed", key));
    } else {
      compare_service(key, *service, *found->second, out);
    }
  }
  for (const auto& [key, _] : new_services) {
    if (!old_services.contains(key)) out.add(fmt::format("service {}: added", key));
  }
}

void compare_tables(const TableStamps& before, const TableStamps& after, Comparison& out) {
  for (const auto& [name, stamps] : after) {
    const auto found = before.find(name);
    if (found != before.end() && found->second != stamps)
      out.add(fmt::format("table {}: changed", printable(name, kMaxShownValue)));
  }
}

}  // namespace

TableStamps table_stamps(const config::Configuration& configuration) {
  TableStamps out;
  for (const auto& reference : review::table_references(configuration)) {
    if (!reference.path.starts_with('/')) continue;
    auto& stamps = out[reference.name()];
    stamps.push_back(tables::stamp_of(reference.path));
    if (const auto suffix = review::database_suffix(reference.type))
      stamps.push_back(tables::stamp_of(reference.path + std::string(*suffix)));
  }
  return out;
}

std::vector<std::string> reload_changes(const Loadout& before, const Loadout& after) {
  Comparison out;
  compare_parameters(before.configuration.main, after.configuration.main, out);
  compare_services(before.configuration.master, after.configuration.master, out);
  compare_tables(before.tables, after.tables, out);
  return out.finish();
}

}  // namespace waypost::daemon
