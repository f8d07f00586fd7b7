// Owners and modes: who may change the configuration, and who may read its secrets.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/parameter.h"
#include "config/values.h"
#include "review/review.h"
#include "review/text_table.h"

namespace waypost::review {
namespace {

using config::FindingCode;
using config::make_finding;

constexpr std::array<std::string_view, 3> kKeyFiles = {"_tls_key_file", "_tls_eckey_file", "_tls_dkey_file"};
// Tables whose file holds how to log in to a server.
constexpr std::array<std::string_view, 5> kServerTypes = {"ldap", "memcache", "mongodb", "mysql", "pgsql"};

std::optional<struct stat> status_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return info;
}

bool is_trusted_owner(uid_t owner) { return owner == 0 || owner == ::geteuid(); }

class FilesReview {
 public:
  FilesReview(const Subject& subject, config::Findings& findings)
      : configuration_(subject.configuration), findings_(findings) {}

  void run() {
    const std::string& directory = configuration_.directory;
    const std::string queue = configuration_.view().value("queue_directory").value_or("");
    for (const std::string& path : {directory, directory + "/main.cf", directory + "/master.cf", queue})
      check_guarded(path, true);
    for (const TableReference& table : table_references(configuration_)) check_table(table);
    check_parameters();
  }

 private:
  void add(FindingCode code, const std::string& file, std::string text, std::string remedy = {}) {
    if (told_.insert(file + text).second)
      findings_.push_back(make_finding(code, file, 0, std::move(text), std::move(remedy)));
  }

  // Whoever may write to it controls the relay. Postfix's words.
  void check_guarded(const std::string& path, bool by_group) {
    const auto info = status_of(path);
    if (!info) return;
    if (!is_trusted_owner(info->st_uid)) {
      add(FindingCode::wrong_owner, path, "not owned by root: " + path, fmt::format("chown root {}", path));
    }
    if ((info->st_mode & (by_group ? S_IWGRP | S_IWOTH : S_IWOTH)) != 0) {
      add(FindingCode::writable_by_others, path,
          fmt::format("{}: {}", by_group ? "group or other writable" : "other writable", path),
          fmt::format("chmod go-w {}", path));
    }
  }

  void check_secret(const std::string& path, std::string_view what) {
    const auto info = status_of(path);
    if (!info || !S_ISREG(info->st_mode) || (info->st_mode & (S_IROTH | S_IWOTH)) == 0) return;
    add(FindingCode::readable_secret, path,
        fmt::format("{} can be read by every user of this host (mode {:03o})", what, info->st_mode & 0777),
        fmt::format("chmod 600 {}", path));
  }

  void check_table(const TableReference& table) {
    if (!table.path.starts_with('/')) return;
    check_guarded(table.path, false);
    if (std::ranges::find(kServerTypes, table.type) != kServerTypes.end()) return check_server_table(table);
    const bool holds_passwords =
        table.parameter == "smtp_sasl_password_maps" || table.parameter == "lmtp_sasl_password_maps";
    if (!holds_passwords) return;
    check_secret(table.path, "the table with passwords");
    if (const auto suffix = database_suffix(table.type))
      check_secret(table.path + std::string(*suffix), "the table with passwords");
  }

  void check_server_table(const TableReference& table) {
    const auto text = config::read_config_file(table.path);
    if (!text) return;
    config::Findings ignored;
    const config::MainCf file = config::parse_main_cf(*text, table.path, ignored);
    const auto holds = [&](std::string_view name) {
      return file.find(name) != nullptr && !file.find(name)->value.empty();
    };
    if (holds("password") || holds("bind_pw")) check_secret(table.path, "the file with the password of a database");
  }

  // Files that parameters name by themselves.
  void check_parameters() {
    const auto check_view = [&](const config::View& view, const std::string& name) {
      for (const std::string& file : config::split_list(view.value(name).value_or(""))) {
        if (!file.starts_with('/')) continue;
        const bool is_key = std::ranges::any_of(kKeyFiles, [&](std::string_view end) { return name.ends_with(end); });
        if (is_key || name.ends_with("_tls_chain_files")) check_secret(file, "the private key");
        if (name == "waypost_sasl_password_file") check_secret(file, "the file of users");
      }
    };
    const config::View main = configuration_.view();
    for (const auto& [name, _] : configuration_.main.settings()) check_view(main, name);
    for (const config::Service& service : configuration_.master.services()) {
      const config::View view = configuration_.view(&service);
      for (const config::Override& override : service.overrides) check_view(view, override.name);
    }
  }

  const config::Configuration& configuration_;
  config::Findings& findings_;
  std::set<std::string> told_;
};

}  // namespace

void review_files(const Subject& subject, config::Findings& findings) { FilesReview(subject, findings).run(); }

}  // namespace waypost::review
