#include "tools/check.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "config/finding.h"
#include "config/load.h"
#include "daemon/preflight.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/script_log.h"

namespace waypost::tools {
namespace {

struct CheckRequest {
  std::string directory, explain;
  bool json = false, strict = false, info = false, reference = false;
};

int explain(const std::string& code) {
  const config::FindingKind* kind = config::find_finding_kind(code);
  if (kind == nullptr) return Console("check").fatal(fmt::format("no finding has the code {}", code), kExitUsage);
  write_stdout(fmt::format("{} ({})\n{}\n", kind->name, config::to_text(kind->usual), kind->meaning));
  if (!kind->remedy.empty()) write_stdout(fmt::format("Remedy: {}.\n", kind->remedy));
  return kExitOk;
}

void print_json(const config::Findings& findings) {
  std::string out;
  for (const auto& finding : findings) out += config::to_json(finding) + "\n";
  write_stdout(out);
}

// To the terminal and, where the configuration says where that is, to the mail log.
void print(const config::Findings& findings, const std::string& directory) {
  std::optional<ScriptLog> log;
  if (!findings.empty()) {
    if (const auto context = open_context(directory)) log.emplace(*context);
  }
  const Console console("postfix/postfix-script");
  for (const auto& finding : findings) {
    if (log) {
      log->finding(finding);
    } else {
      const auto level =
          finding.severity == config::Severity::info ? "" : fmt::format("{}: ", config::to_text(finding.severity));
      console.info(level + config::describe_fully(finding));
    }
  }
}

int check(const CheckRequest& request) {
  const std::string directory = config::config_directory(request.directory);
  auto findings = daemon::preflight(directory);
  if (!request.info) std::erase_if(findings, [](const auto& f) { return f.severity == config::Severity::info; });
  if (request.json) {
    print_json(findings);
  } else {
    print(findings, directory);
  }
  const auto worst = request.strict ? config::Severity::warning : config::Severity::error;
  const bool fails = std::ranges::any_of(findings, [&](const auto& finding) { return finding.severity >= worst; });
  return fails ? kExitFailure : kExitOk;
}

int prove(const CheckRequest& request) {
  const Console console("who-may-relay");
  config::Findings findings;
  const auto proof = daemon::prove_relay(config::config_directory(request.directory), findings);
  for (const auto& finding : findings) {
    if (finding.severity == config::Severity::error) console.warning(config::describe_fully(finding));
  }
  if (!proof) return console.fatal(proof.error().text, kExitFailure);
  write_stdout(request.json ? to_json(*proof) + "\n" : to_text(*proof));
  return proof->is_open() || (request.strict && proof->is_forgeable()) ? kExitFailure : kExitOk;
}

// Options that both commands have; the exit status when the command line is all there was to it.
std::optional<int> parse(CLI::App& app, CheckRequest& request, int argc, char** argv) {
  app.add_option("-c", request.directory, "the configuration directory (default: $MAIL_CONFIG, else /etc/postfix)");
  app.add_flag("--json", request.json, "machine-readable, on standard output");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return std::nullopt;
}

}  // namespace

int check_main(int argc, char** argv) {
  CLI::App app("Says what is wrong with a configuration, by file and line. Silent when nothing is.", "check");
  CheckRequest request;
  app.add_flag("--strict", request.strict, "warnings fail, too");
  app.add_flag("--info", request.info, "also what needs nothing done");
  app.add_option("--explain", request.explain, "what a code means")->type_name("CODE");
  app.add_flag("--reference", request.reference, "print docs/reference/findings.md");
  if (const auto status = parse(app, request, argc, argv)) return *status;
  if (!request.explain.empty()) return explain(request.explain);
  if (!request.reference) return check(request);
  return write_stdout(config::findings_reference()) ? kExitOk : kExitFailure;
}

int relay_proof_main(int argc, char** argv) {
  CLI::App app("Proves from the configuration alone who may send mail to where, listener by listener. Starts nothing.",
               "who-may-relay");
  CheckRequest request;
  app.add_flag("--strict", request.strict, "fail also when a forged sender or HELO name opens the relay");
  if (const auto status = parse(app, request, argc, argv)) return *status;
  return prove(request);
}

}  // namespace waypost::tools
