#include "config/names.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/expand.h"
#include "config/parameter.h"
#include "config/table_parameters.h"
#include "config/values.h"

namespace waypost::config {

namespace {

constexpr std::string_view kMailDictionary = "mail_dict";  // Postfix's name for main.cf in one of its errors
constexpr std::string_view kClasses = "smtpd_restriction_classes";
constexpr int kMaxGroupNesting = 100;

// The -o settings of all entries of one name and type.
struct Scope {
  const Service* service;                   // the first of the entries, with the settings of all
  std::set<std::string, std::less<>> used;  // names that something refers to
};

// "main.cf", "master.cf:smtp/inet": where Postfix's shorter warnings are about.
std::string short_place(const Service* service) {
  return service ? fmt::format("master.cf:{}/{}", service->name, service->type) : "main.cf";
}

class Surveyor {
 public:
  explicit Surveyor(const Configuration& configuration) : configuration_(configuration) {
    result_.names = known_names(configuration);
    for (const Service& service : configuration.master.services()) {
      const auto same = [&](const Service& s) { return s.name == service.name && s.type == service.type; };
      if (service.overrides.empty() || std::ranges::any_of(shared_, same)) continue;
      shared_.push_back(with_shared_overrides(configuration.master, service));
    }
    for (const Service& service : shared_) scopes_.push_back({&service, {}});
  }

  Survey run() {
    scan_defaults();
    scan_main();
    for (Scope& scope : scopes_) scan_service(scope);
    find_unused();
    return std::move(result_);
  }

 private:
  // A value refers to `name`; `scope` null: a value of main.cf or a default.
  void refer(std::string_view name, Scope* scope, const Finding& place, bool is_table_parameter = false) {
    bool supplied = false;
    if (scope && scope->service->find_override(name)) {
      scope->used.emplace(name);
      supplied = true;
    } else if (configuration_.main.find(name)) {
      result_.names.try_emplace(std::string(name), NameClass::user);
      supplied = true;
    }
    for (Scope& other : scopes_) {
      if (scope || !other.service->find_override(name)) continue;
      other.used.emplace(name);
      supplied = true;
    }
    // what a table type knows has defaults that nobody lists
    if (supplied || is_table_parameter || result_.names.contains(name)) return;
    add(result_.doubtful, place, fmt::format("undefined parameter: {}", printable(name)));
  }

  static void add(Findings& findings, Finding place, std::string text) {
    place.text = std::move(text);
    const bool known =
        std::ranges::any_of(findings, [&](const Finding& f) { return f.file == place.file && f.text == place.text; });
    if (!known) findings.push_back(std::move(place));
  }

  void scan_service(Scope& scope) {
    const Service& service = *scope.service;
    const Finding place{Severity::warning, service.file, service.line, {}};
    if (const Override* classes = service.find_override(kClasses)) {
      scan_classes(classes->value, &scope, place, fmt::format("{}/{}", service.name, service.type));
    }
    for (const Override& override : service.overrides) {
      if (service.find_override(override.name) == &override) scan(override.name, override.value, &scope, place);
    }
  }

  Finding place_of(const Setting& setting) const {
    const std::string file = setting.file.empty() ? configuration_.directory + "/main.cf" : setting.file;
    return {Severity::warning, file, setting.line, {}};
  }

  void scan_main() {
    if (const Setting* classes = configuration_.main.find(kClasses)) {
      scan_classes(classes->value, nullptr, place_of(*classes), kMailDictionary);
    }
    for (const auto& [name, setting] : configuration_.main.settings()) {
      scan(name, setting.value, nullptr, place_of(setting));
    }
  }

  // Defaults refer to old names, so that these go on working without a complaint.
  void scan_defaults() {
    for (const auto& [name, kind] : known_names(configuration_)) {
      if (is_raw(name) || configuration_.main.find(name)) continue;
      const Parameter* parameter = find_any_parameter(name);
      if (!parameter || parameter->type == Type::computed) continue;
      for (const std::string& wanted : references(parameter->default_value).names) {
        refer(wanted, nullptr, {Severity::warning, configuration_.directory + "/main.cf", 0, {}});
      }
      const auto expanded = configuration_.view(nullptr, "postconf").expanded(parameter->default_value);
      if (expanded) continue;
      // a value of the operator's, such as a malformed compatibility_level
      add(result_.malformed, {Severity::warning, configuration_.directory + "/main.cf", 0, {}}, expanded.error().text);
      give_up("macro processing error");
    }
  }

  // The operator's own restriction lists.
  void scan_classes(std::string_view value, Scope* scope, const Finding& place, std::string_view dictionary) {
    const auto words = expand(value, [&](std::string_view name) -> std::optional<std::string> {
      const Override* found = scope ? scope->service->find_override(name) : nullptr;
      if (scope) return found ? std::optional(found->value) : std::nullopt;
      const Setting* setting = configuration_.main.find(name);
      return setting ? std::optional(setting->value) : std::nullopt;
    });
    if (!words) {
      add(result_.malformed, place, words.error().text);
      give_up(fmt::format("dictionary {}: macro processing error", dictionary));
      return;
    }
    for (const std::string_view word : split(*words, ", \t\r\n")) refer(word, scope, place);
  }

  void give_up(std::string text) {
    if (result_.fatal.empty()) result_.fatal = std::move(text);
  }

  void scan(const std::string& name, const std::string& value, Scope* scope, const Finding& place) {
    const auto known = result_.names.find(name);
    const bool is_known = known != result_.names.end();
    if (is_known && is_read_only(name)) {
      add(result_.doubtful, place,
          fmt::format("read-only parameter assignment: {}={}", printable(name), printable(value)));
      return;
    }
    if (is_known && known->second == NameClass::legacy) known->second = NameClass::user;
    const bool is_own = is_known && known->second != NameClass::user;
    if (is_known && is_raw(name)) return;
    const References found = references(value);
    for (const std::string& wanted : found.names) refer(wanted, scope, place);
    if (!found.error.empty()) add(result_.malformed, place, found.error);
    if (!is_own) return;
    const auto expanded = configuration_.view(scope ? scope->service : nullptr, "postconf").expanded(value);
    if (expanded) {
      scan_tables(*expanded, scope, place, 0);
    } else {
      add(result_.malformed, place, expanded.error().text);
      give_up("macro processing error");
    }
  }

  // Naive, as Postfix: a substring may look like a table and be none.
  void scan_tables(std::string_view text, Scope* scope, const Finding& place, int nesting) {
    if (nesting > kMaxGroupNesting) return;
    for (const std::string& word : split_list(text)) {
      if (word.starts_with('{')) {
        scan_tables(open_group(word, scope, place), scope, place, nesting + 1);
        continue;
      }
      std::string_view rest = word;
      while (rest.starts_with("proxy:")) rest.remove_prefix(6);
      const std::size_t colon = rest.find(':');
      if (colon == std::string_view::npos) continue;
      const std::string_view type = rest.substr(0, colon);
      const std::string_view name = rest.substr(colon + 1);
      if (name.starts_with('/')) {
        if (!table_parameters(type).empty()) check_definition(type, name);
      } else if (name.starts_with('{')) {
        scan_tables(open_group(name, scope, place), scope, place, nesting + 1);
      } else if (!name.starts_with('.')) {
        for (const std::string_view suffix : table_parameters(type)) {
          refer(fmt::format("{}_{}", name, suffix), scope, place, true);
        }
      }
    }
  }

  std::string_view open_group(std::string_view text, const Scope* scope, const Finding& place) {
    if (const auto content = braced(text)) return *content;
    const std::size_t end = group_end(text);
    const std::string where = short_place(scope ? scope->service : nullptr);
    const std::string_view what = end == std::string_view::npos ? "missing '}'" : "syntax error after '}'";
    add(result_.malformed, place, fmt::format("{}: {} in \"{}\"", where, what, printable(text)));
    return end == std::string_view::npos ? text.substr(1) : text.substr(1, end - 1);
  }

  static std::size_t group_end(std::string_view text) {
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (depth == 0) return at;
    }
    return std::string_view::npos;
  }

  // A file that may not be read is none of this user's business; a table that is not there is worth a word.
  void check_definition(std::string_view type, std::string_view name) {
    const std::string path(name);
    const std::string table = fmt::format("{}:{}", type, path);
    if (!checked_.insert(table).second) return;
    const auto warn = [&](std::string_view why) {
      result_.malformed.push_back(
          {Severity::warning, {}, 0, fmt::format("open \"{}\" configuration \"{}\": {}", type, printable(path), why)});
    };
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
      if (errno != EACCES) warn(errno_text(errno));
      return;
    }
    if (!S_ISREG(status.st_mode)) return warn("not a regular file");
    const auto text = read_config_file(path);
    if (!text) return;
    Findings findings;
    const MainCf definition = parse_main_cf(*text, path, findings);
    for (const Finding& finding : findings) {
      if (finding.severity == Severity::error) return give_up(describe(finding));
      result_.malformed.push_back({finding.severity, {}, 0, describe(finding)});
    }
    const auto known = table_parameters(type);
    for (const auto& [key, setting] : definition.settings()) {
      if (std::ranges::binary_search(known, key)) continue;
      result_.malformed.push_back(
          {Severity::warning,
           {},
           0,
           fmt::format("{}: unused parameter: {}={}", table, printable(key), printable(setting.value))});
    }
  }

  void find_unused() {
    for (const auto& [name, setting] : configuration_.main.settings()) {
      if (result_.names.contains(name)) continue;
      add(result_.unused, place_of(setting),
          fmt::format("unused parameter: {}={}", printable(name), printable(setting.value)));
    }
    for (const Scope& scope : scopes_) {
      for (const Override& override : scope.service->overrides) {
        if (scope.service->find_override(override.name) != &override) continue;
        if (result_.names.contains(override.name) || scope.used.contains(override.name)) continue;
        add(result_.unused, {Severity::warning, scope.service->file, scope.service->line, {}},
            fmt::format("unused parameter: {}={}", printable(override.name), printable(override.value)));
      }
    }
  }

  const Configuration& configuration_;
  Survey result_;
  std::vector<Service> shared_;
  std::vector<Scope> scopes_;
  std::set<std::string> checked_;
};

struct ServiceParameters {
  std::string_view command;
  bool deliveries, time_limit;
};
constexpr std::array kServiceParameters = {
    ServiceParameters{"local", true, false},   ServiceParameters{"error", true, false},
    ServiceParameters{"virtual", true, false}, ServiceParameters{"smtp", true, false},
    ServiceParameters{"lmtp", true, false},    ServiceParameters{"pipe", true, true},
    ServiceParameters{"spawn", false, true}};

// The patterns stand for the names of services and are no names themselves; what the table has by the name of a usual
// service, with the default that every service has, belongs to that service.
bool is_builtin(const Parameter& parameter) {
  const auto derived = find_transport_parameter(parameter.name);
  if (!derived || !derived->pattern) return true;
  return derived->pattern != &parameter && derived->pattern->default_value != parameter.default_value;
}

}  // namespace

bool has_transport_parameter(const Service& service, std::string_view suffix) {
  const auto* found = std::ranges::find(kServiceParameters, service.command, &ServiceParameters::command);
  if (found == kServiceParameters.end()) return false;
  return suffix == "_time_limit" ? found->time_limit : found->deliveries;
}

NameClasses known_names(const Configuration& configuration) {
  NameClasses names;
  for (const Parameter& parameter : all_parameters()) {
    if (!is_builtin(parameter)) continue;
    names.emplace(parameter.name, parameter.type == Type::legacy ? NameClass::legacy : NameClass::builtin);
  }
  for (const Service& service : configuration.master.services()) {
    for (const std::string_view suffix : transport_suffixes()) {
      if (!has_transport_parameter(service, suffix)) continue;
      names.insert_or_assign(fmt::format("{}{}", service.name, suffix), NameClass::service);
    }
  }
  return names;
}

bool is_read_only(std::string_view name) {
  return name == "process_id" || name == "process_name" || name == "service_name";
}

Service with_shared_overrides(const MasterCf& master, const Service& service) {
  Service shared = service;
  shared.overrides.clear();
  bool is_before = true, shares = false;
  for (const Service& entry : master.services()) {
    if (entry.name != service.name || entry.type != service.type) continue;
    shared.overrides.insert(shared.overrides.end(), entry.overrides.begin(), entry.overrides.end());
    shares = shares || (is_before && !entry.overrides.empty());
    is_before = is_before && &entry != &service;
  }
  if (!shares) shared.overrides.clear();
  return shared;
}

Survey survey(const Configuration& configuration) { return Surveyor(configuration).run(); }

}  // namespace waypost::config
