#include "tools/postconf_show.h"

#include <cstdlib>

#include <fmt/format.h>

#include "config/parameter.h"
#include "tools/postconf_layout.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kUsualDirectory = "/etc/postfix";

class Parameters {
 public:
  Parameters(const config::Configuration& configuration, const PostconfRequest& request)
      : configuration_(configuration), request_(request), view_(configuration.view(nullptr, "postconf")) {
    // defaults are computed from defaults, whatever the file says
    builtin_.directory = kUsualDirectory;
    builtin_.machine = configuration.machine;
  }

  bool is_asked_for(config::NameClass kind) const {
    switch (kind) {
      case config::NameClass::builtin:
        return request_.builtin;
      case config::NameClass::service:
        return request_.of_services;
      case config::NameClass::user:
        return request_.of_user;
      case config::NameClass::legacy:
        return false;
    }
    return false;
  }

  // The value to print; nullopt when -n leaves it out.
  Result<std::optional<std::string>> value(const std::string& name) const {
    if (request_.action == PostconfAction::show_set && !is_set(name)) return std::nullopt;
    const bool defaults = request_.action == PostconfAction::show_defaults;
    const config::View view = defaults ? builtin_.view(nullptr, "postconf") : view_;
    const std::string raw = view.raw(name).value_or("");
    if (!request_.expand || config::is_raw(name)) return raw;
    auto expanded = view.expanded(raw);
    if (!expanded) return std::unexpected(expanded.error());
    return std::move(*expanded);
  }

 private:
  bool is_set(const std::string& name) const {
    if (config::is_read_only(name)) return false;
    // naming the directory sets it
    if (name == "config_directory" && (!request_.directory.empty() || std::getenv("MAIL_CONFIG") != nullptr))
      return true;
    return configuration_.main.find(name) != nullptr;
  }

  const config::Configuration& configuration_;
  const PostconfRequest& request_;
  config::View view_;
  config::Configuration builtin_;
};

}  // namespace

std::unexpected<Error> macro_error(const Error& error, Warnings& warnings) {
  warnings.push_back(error.text);
  return fail(Errc::invalid, "macro processing error");
}

Result<std::string> show_parameters(const config::Configuration& configuration, const config::NameClasses& names,
                                    const PostconfRequest& request, Warnings& warnings) {
  const Parameters parameters(configuration, request);
  std::vector<std::string> wanted = request.words;
  if (wanted.empty()) {
    for (const auto& [name, kind] : names) {
      if (parameters.is_asked_for(kind)) wanted.push_back(name);
    }
  }
  std::string out;
  for (const std::string& name : wanted) {
    if (!names.contains(name)) {
      warnings.push_back(fmt::format("{}: unknown parameter", name));
      continue;
    }
    const auto value = parameters.value(name);
    if (!value) return macro_error(value.error(), warnings);
    if (*value) out += layout_pair(name, **value, request);
  }
  return out;
}

}  // namespace waypost::tools
