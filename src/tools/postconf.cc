#include "tools/postconf.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "config/inet_settings.h"
#include "config/load.h"
#include "config/names.h"
#include "tables/registry.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/postconf_edit.h"
#include "tools/postconf_request.h"
#include "tools/postconf_show.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kLockTypes = "flock\nfcntl\ndotlock\n";
constexpr std::string_view kServerSaslTypes = "dovecot\nwaypost\n";
constexpr std::string_view kClientSaslTypes = "cyrus\n";

int print(std::string_view text) { return write_stdout(text) ? kExitOk : kExitFailure; }

int show_table_types() {
  std::string text;
  for (const std::string_view type : tables::supported_types()) text += fmt::format("{}\n", type);
  return print(text);
}

int show_tls(const Console& console, const std::string& topic) {
  if (topic == "compile-version") return print(OPENSSL_VERSION_TEXT "\n");
  if (topic == "run-version") return print(fmt::format("{}\n", OpenSSL_version(OPENSSL_VERSION)));
  if (topic == "public-key-algorithms") return print("dsa\necdsa\nrsa\n");
  console.warning(fmt::format("unknown 'postconf -T' mode: {}", topic));
  return kExitFailure;
}

// The place of a finding as Postfix gives it here: of some it names the file alone.
std::string in_postfix_words(config::Finding finding) {
  if (finding.text == "bad field count")
    return fmt::format("file {}: line {}: {}", finding.file, finding.line, finding.text);
  if (finding.text.starts_with("invalid ")) return finding.text;
  if (!finding.text.starts_with("overriding ") && finding.severity != config::Severity::error) finding.line = 0;
  return config::describe(finding);
}

// Each text once.
void print_warnings(const Console& console, const config::Findings& findings) {
  Warnings seen;
  for (const config::Finding& finding : findings) {
    std::string text = in_postfix_words(finding);
    if (std::ranges::find(seen, text) != seen.end()) continue;
    console.warning(text);
    seen.push_back(std::move(text));
  }
}

// Warnings up to the first error, which is the answer.
Result<> print_findings(const Console& console, const config::Findings& findings) {
  const auto error = std::ranges::find(findings, config::Severity::error, &config::Finding::severity);
  print_warnings(console, {findings.begin(), error});
  return error == findings.end() ? Result<>() : fail(Errc::invalid, in_postfix_words(*error));
}

Result<> read_main(const Console& console, const PostconfRequest& request, config::Configuration& configuration) {
  const std::string path = configuration.directory + "/main.cf";
  const auto text = config::read_config_file(path);
  if (!text) return std::unexpected(text.error());
  config::Findings findings;
  configuration.main = config::parse_main_cf(*text, path, findings);
  // the directory is set before the file is read
  const config::Setting* moved = configuration.main.find("config_directory");
  if (moved && moved->value != configuration.directory) {
    findings.insert(findings.begin(), config::make_finding(config::FindingCode::overridden_entry, path, moved->line,
                                                           fmt::format("overriding earlier entry: config_directory={}",
                                                                       configuration.directory)));
  }
  if (auto fine = print_findings(console, findings); !fine) return fine;
  for (const config::NameValue& given : request.overrides) configuration.main.set(given.name, {given.value, {}, 0});
  return {};
}

// master.cf is needed for itself; for the names of its services main.cf does without.
Result<> read_master(const Console& console, const PostconfRequest& request, config::Configuration& configuration) {
  const std::string path = configuration.directory + "/master.cf";
  const auto text = config::read_config_file(path);
  if (!text) {
    if (request.subject != PostconfSubject::parameters) return std::unexpected(text.error());
    console.warning(text.error().text);
    return {};
  }
  config::Findings findings;
  configuration.master = config::parse_master_cf(*text, path, findings);
  return print_findings(console, findings);
}

// Defaults are shown whatever main.cf says. What is asked for is read, and found wanting, first.
Result<config::Configuration> read(const Console& console, const PostconfRequest& request,
                                   const std::string& directory) {
  config::Configuration configuration;
  configuration.directory = directory;
  configuration.machine = config::Machine::ask();
  const auto main = [&]() -> Result<> {
    const bool unread = request.action == PostconfAction::show_defaults;
    return unread ? Result<>() : read_main(console, request, configuration);
  };
  const auto master = [&] { return read_master(console, request, configuration); };
  const bool of_main = request.subject == PostconfSubject::parameters;
  auto done = of_main ? main() : master();
  if (done) done = of_main ? master() : main();
  if (!done) return std::unexpected(done.error());
  return configuration;
}

// What keeps Postfix from working out mynetworks; empty: nothing does.
std::string network_fault(const config::Configuration& configuration) {
  if (configuration.main.find("mynetworks")) return {};
  const auto fault = config::inet_fault(configuration.view(), configuration.machine);
  return fault ? fault->text : std::string();
}

// Postfix looks through all values before it shows any; what it finds malformed there is told without a place.
config::Survey look_through(const Console& console, const config::Configuration& configuration) {
  config::Survey survey = config::survey(configuration);
  print_warnings(console, survey.doubtful);
  if (std::string fault = network_fault(configuration); !fault.empty()) {
    survey.fatal = std::move(fault);
    return survey;
  }
  for (config::Finding& finding : survey.malformed) finding.file.clear();
  print_warnings(console, survey.malformed);
  return survey;
}

int show(const Console& console, const PostconfRequest& request, const std::string& directory) {
  const auto configuration = read(console, request, directory);
  if (!configuration) return console.fatal(configuration.error().text, kExitFailure);
  const bool of_defaults = request.action == PostconfAction::show_defaults;
  config::Survey survey;
  if (of_defaults) {
    survey.names = config::known_names(*configuration);
  } else {
    survey = look_through(console, *configuration);
  }
  if (!survey.fatal.empty()) return console.fatal(survey.fatal, kExitFailure);
  Warnings warnings;
  const bool of_main = request.subject == PostconfSubject::parameters;
  const auto text = of_main ? show_parameters(*configuration, survey.names, request, warnings)
                            : show_master(*configuration, request, warnings);
  for (const std::string& warning : warnings) console.warning(warning);
  if (!text) return console.fatal(text.error().text, kExitFailure);
  const int status = print(*text);
  // who asks for services is told about services
  if (!of_main) std::erase_if(survey.unused, [](const auto& finding) { return !finding.file.ends_with("/master.cf"); });
  print_warnings(console, survey.unused);
  return status;
}

int edit(const Console& console, const PostconfRequest& request, const std::string& directory) {
  Warnings warnings;
  const auto done = edit_configuration(directory, request, warnings);
  for (const std::string& warning : warnings) console.warning(warning);
  return done ? kExitOk : console.fatal(done.error().text, kExitFailure);
}

}  // namespace

int postconf_main(int argc, char** argv) {
  const Console console("postconf");
  const auto request = parse_postconf_request(argc, argv);
  if (!request) return console.fatal(request.error().text, kExitFailure);
  switch (request->subject) {
    case PostconfSubject::table_types:
      return show_table_types();
    case PostconfSubject::lock_types:
      return print(kLockTypes);
    case PostconfSubject::server_sasl:
      return print(kServerSaslTypes);
    case PostconfSubject::client_sasl:
      return print(kClientSaslTypes);
    case PostconfSubject::tls:
      return show_tls(console, request->tls_topic);
    case PostconfSubject::templates:
    case PostconfSubject::expanded_templates:
      return console.fatal(
          "-b and -t are not supported: the built-in texts of notices are not shown; bounce_template_file replaces "
          "them",
          kExitFailure);
    default:
      break;
  }
  const std::string directory = config::config_directory(request->directory);
  return request->edits() ? edit(console, *request, directory) : show(console, *request, directory);
}

}  // namespace waypost::tools
