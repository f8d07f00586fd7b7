#include "tools/postconf_show.h"

#include <set>

#include <fmt/format.h>

#include "config/check.h"
#include "config/parameter.h"
#include "tools/postconf_layout.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kUsualDirectory = "/etc/postfix";

using Names = std::set<std::string, std::less<>>;

void add_service_names(const config::Configuration& configuration, Names& names) {
  for (const config::Service& service : configuration.master.services()) {
    for (const std::string_view suffix : config::transport_suffixes()) {
      if (config::has_transport_parameter(service, suffix)) names.insert(fmt::format("{}{}", service.name, suffix));
    }
  }
}

// Whether Postfix lists it without looking at master.cf. Patterns stand for the names of services and are no names
// themselves; what the table has by the name of a standard service belongs to that service.
bool is_builtin(const config::Parameter& parameter) {
  if (parameter.type == config::Type::legacy) return false;
  const auto derived = config::find_transport_parameter(parameter.name);
  if (!derived || derived->service == "default") return true;
  return derived->pattern != &parameter && !parameter.name.ends_with("_destination_concurrency_limit") &&
         !parameter.name.ends_with("_destination_recipient_limit");
}

class Parameters {
 public:
  Parameters(const config::Configuration& configuration, const PostconfRequest& request)
      : configuration_(configuration), request_(request), view_(configuration.view(nullptr, "postconf")) {
    // defaults are computed from defaults, whatever the file says
    builtin_.directory = kUsualDirectory;
    builtin_.machine = configuration.machine;
  }

  // Every name of the classes asked for.
  Names all() const {
    Names names;
    if (request_.builtin) {
      for (const config::Parameter& parameter : config::all_parameters()) {
        if (is_builtin(parameter)) names.emplace(parameter.name);
      }
    }
    if (request_.of_services) add_service_names(configuration_, names);
    if (request_.of_user && !defaults()) names.merge(config::user_parameters(configuration_));
    return names;
  }

  bool knows(const std::string& name) const {
    if (config::is_known_parameter(configuration_, name)) return true;
    return !defaults() && config::user_parameters(configuration_).contains(name);
  }

  // The value to print; nullopt when -n leaves it out.
  Result<std::optional<std::string>> value(const std::string& name) const {
    if (request_.action == PostconfAction::show_set && !is_set(name)) return std::nullopt;
    const config::View view = defaults() ? builtin_.view(nullptr, "postconf") : view_;
    const std::string raw = view.raw(name).value_or("");
    if (!request_.expand || config::is_raw(name)) return raw;
    auto expanded = view.expanded(raw);
    if (!expanded) return std::unexpected(expanded.error());
    return std::move(*expanded);
  }

 private:
  bool defaults() const { return request_.action == PostconfAction::show_defaults; }
  bool is_set(const std::string& name) const {
    if (name == "config_directory") return configuration_.directory != kUsualDirectory;
    return configuration_.main.find(name) != nullptr;
  }

  const config::Configuration& configuration_;
  const PostconfRequest& request_;
  config::View view_;
  config::Configuration builtin_;
};

}  // namespace

Result<std::string> show_parameters(const config::Configuration& configuration, const PostconfRequest& request,
                                    Warnings& warnings) {
  const Parameters parameters(configuration, request);
  std::vector<std::string> names = request.words;
  if (names.empty()) {
    Names all = parameters.all();
    names.assign(all.begin(), all.end());
  }
  std::string out;
  for (const std::string& name : names) {
    if (!request.words.empty() && !parameters.knows(name)) {
      warnings.push_back(fmt::format("{}: unknown parameter", name));
      continue;
    }
    auto value = parameters.value(name);
    if (!value) return std::unexpected(value.error());
    if (*value) out += layout_pair(name, **value, request);
  }
  return out;
}

}  // namespace waypost::tools
