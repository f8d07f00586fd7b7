#include "config/load.h"

#include <algorithm>
#include <cstdlib>

namespace waypost::config {

namespace {

constexpr std::string_view kDefaultDirectory = "/etc/postfix";

std::unexpected<Error> first_error(const Findings& findings) {
  const auto found = std::ranges::find(findings, Severity::error, &Finding::severity);
  return fail(Errc::invalid, describe(*found));
}

}  // namespace

Result<std::shared_ptr<const Configuration>> load(const std::string& directory, Findings& findings,
                                                  const LoadOptions& options) {
  auto configuration = std::make_shared<Configuration>();
  configuration->directory = directory;
  configuration->machine = Machine::ask();
  Findings own;
  const std::string main_path = directory + "/main.cf";
  const auto main_text = read_config_file(main_path);
  if (!main_text) return std::unexpected(main_text.error());
  configuration->main = parse_main_cf(*main_text, main_path, own);
  for (const NameValue& given : options.overrides) configuration->main.set(given.name, {given.value, {}, 0});
  if (options.read_master) {
    const std::string master_path = directory + "/master.cf";
    const auto master_text = read_config_file(master_path);
    if (!master_text) return std::unexpected(master_text.error());
    configuration->master = parse_master_cf(*master_text, master_path, own);
  }
  findings.insert(findings.end(), own.begin(), own.end());
  if (has_errors(own)) return first_error(own);
  return configuration;
}

std::string config_directory(std::string_view given) {
  if (!given.empty()) return std::string(given);
  const char* environment = std::getenv("MAIL_CONFIG");
  return environment && *environment ? environment : std::string(kDefaultDirectory);
}

}  // namespace waypost::config
