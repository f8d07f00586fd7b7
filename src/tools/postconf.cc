#include "tools/postconf.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "config/check.h"
#include "config/expand.h"
#include "config/load.h"
#include "config/parameter.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/postconf_edit.h"
#include "tools/postconf_request.h"
#include "tools/postconf_show.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kTableTypes = "btree\ncidr\nfail\nhash\ninline\nstatic\ntexthash\n";
constexpr std::string_view kLockTypes = "flock\nfcntl\ndotlock\n";
constexpr std::string_view kServerSaslTypes = "dovecot\nwaypost\n";
constexpr std::string_view kClientSaslTypes = "cyrus\n";

void print_findings(const Console& console, const config::Findings& findings) {
  for (const config::Finding& finding : findings) {
    const std::string text = config::describe(finding);
    finding.severity == config::Severity::info ? console.info(text) : console.warning(text);
  }
}

// Postfix names the file and not the line in these two; each text once.
void print_once(const Console& console, config::Findings findings) {
  std::vector<std::string> seen;
  for (config::Finding& finding : findings) {
    finding.line = 0;
    std::string text = config::describe(finding);
    if (std::ranges::find(seen, text) != seen.end()) continue;
    console.warning(text);
    seen.push_back(std::move(text));
  }
}

int print(std::string_view text) { return write_stdout(text) ? kExitOk : kExitFailure; }

int show_tls(const Console& console, const std::string& topic) {
  if (topic == "compile-version") return print(OPENSSL_VERSION_TEXT "\n");
  if (topic == "run-version") return print(fmt::format("{}\n", OpenSSL_version(OPENSSL_VERSION)));
  if (topic == "public-key-algorithms") return print("dsa\necdsa\nrsa\n");
  console.warning(fmt::format("unknown 'postconf -T' mode: {}", topic));
  return kExitOk;
}

bool is_edit(const PostconfRequest& request) {
  return request.action == PostconfAction::edit || request.action == PostconfAction::remove ||
         request.action == PostconfAction::comment_out;
}

bool is_about_files(const PostconfRequest& request) {
  return request.subject == PostconfSubject::parameters || request.subject == PostconfSubject::services ||
         request.subject == PostconfSubject::fields || request.subject == PostconfSubject::service_parameters;
}

int edit(const Console& console, const PostconfRequest& request, const std::string& directory) {
  Warnings warnings;
  const auto done = edit_configuration(directory, request, warnings);
  for (const std::string& warning : warnings) console.warning(warning);
  return done ? kExitOk : console.fatal(done.error().text, kExitFailure);
}

// master.cf is needed for itself; for the names of its services main.cf does without.
Result<std::shared_ptr<const config::Configuration>> load(const Console& console, const PostconfRequest& request,
                                                          const std::string& directory) {
  config::Findings findings;
  config::LoadOptions options{request.overrides, true};
  auto loaded = config::load(directory, findings, options);
  if (!loaded && loaded.error().code == Errc::not_found && request.subject == PostconfSubject::parameters) {
    const std::string missing = loaded.error().text;
    findings.clear();
    options.read_master = false;
    loaded = config::load(directory, findings, options);
    if (loaded) console.warning(missing);
  }
  std::erase_if(findings, [](const config::Finding& f) { return f.severity == config::Severity::error; });
  print_findings(console, findings);
  return loaded;
}

// Postfix scans every value that main.cf sets before it shows any; nullopt when all are well formed.
std::optional<std::string> malformed_value(const config::Configuration& configuration) {
  for (const auto& [name, setting] : configuration.main.settings()) {
    if (config::is_raw(name)) continue;
    const auto scanned =
        config::expand(setting.value, [](std::string_view) { return std::optional<std::string>("0"); });
    if (!scanned) return scanned.error().text;
  }
  return std::nullopt;
}

int show(const Console& console, const PostconfRequest& request, const std::string& directory) {
  const auto loaded = load(console, request, directory);
  if (!loaded) return console.fatal(loaded.error().text, kExitFailure);
  const config::Configuration& configuration = **loaded;
  const bool doubtful = request.action != PostconfAction::show_defaults;
  if (doubtful) print_once(console, config::check_undefined(configuration));
  if (const auto malformed = doubtful ? malformed_value(configuration) : std::nullopt) {
    console.warning(*malformed);
    return console.fatal("macro processing error", kExitFailure);
  }
  Warnings warnings;
  const auto text = request.subject == PostconfSubject::parameters ? show_parameters(configuration, request, warnings)
                                                                   : show_master(configuration, request, warnings);
  for (const std::string& warning : warnings) console.warning(warning);
  if (!text) {
    console.warning(text.error().text);
    return console.fatal("macro processing error", kExitFailure);
  }
  const int status = print(*text);
  if (doubtful) {
    config::Findings unused = config::check_unused(configuration);
    // as Postfix: who asks for services is told about services
    if (request.subject != PostconfSubject::parameters) {
      std::erase_if(unused, [](const config::Finding& f) { return !f.file.ends_with("/master.cf"); });
    }
    print_once(console, std::move(unused));
  }
  return status;
}

}  // namespace

int postconf_main(int argc, char** argv) {
  const Console console("postconf");
  auto request = parse_postconf_request(argc, argv);
  if (!request) return console.fatal(request.error().text, kExitFailure);
  switch (request->subject) {
    case PostconfSubject::table_types:
      return print(kTableTypes);
    case PostconfSubject::lock_types:
      return print(kLockTypes);
    case PostconfSubject::server_sasl:
      return print(kServerSaslTypes);
    case PostconfSubject::client_sasl:
      return print(kClientSaslTypes);
    case PostconfSubject::tls:
      return show_tls(console, request->tls_topic);
    default:
      break;
  }
  const std::string directory = config::config_directory(request->directory);
  // name=value asks for an edit also without -e
  if (request->action == PostconfAction::show && is_about_files(*request) &&
      std::ranges::any_of(request->words,
                          [](const std::string& word) { return word.find('=') != std::string::npos; })) {
    request->action = PostconfAction::edit;
  }
  return is_edit(*request) ? edit(console, *request, directory) : show(console, *request, directory);
}

}  // namespace waypost::tools
