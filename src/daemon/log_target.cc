#include "daemon/log_target.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"
#include "config/reader.h"
#include "daemon/privileges.h"

namespace waypost::daemon {
namespace {

constexpr const char* kUsualFile = "/var/log/mail.log";

bool can_append(const char* path) {
  if (::access(path, W_OK) == 0) return true;
  return ::access(path, F_OK) != 0 && ::access("/var/log", W_OK) == 0;
}

}  // namespace

events::LogWriter::Options log_target(const config::Configuration& configuration, bool foreground) {
  using Target = events::LogWriter::Target;
  const auto view = configuration.view();
  const auto file = view.value("maillog_file").value_or("");
  events::LogWriter::Options options;
  options.facility = events::parse_facility(view.value("syslog_facility").value_or("")).value_or(events::kMailFacility);
  const auto mode = view.value("maillog_file_permissions").value_or("");
  if (mode == "0640") options.mode = 0640;
  if (mode == "0644") options.mode = 0644;
  options.own_tag = log_name(view) + "/postlogd";
  if (!file.empty()) {
    options.target = file == "/dev/stdout" ? Target::standard_output : Target::file;
    options.path = file;
  } else if (foreground) {
    options.target = Target::standard_output;
  } else if (can_append(kUsualFile)) {
    options.target = Target::file;
    options.path = kUsualFile;
  } else {
    options.target = Target::syslog;
    options.path = events::kSyslogSocket;
  }
  return options;
}

Result<std::unique_ptr<events::LogWriter>> open_mail_log(const config::Configuration& configuration, bool foreground) {
  config::Findings findings;
  const auto view = configuration.view();
  config::Reader reader(view, findings);
  const auto named = reader.text("maillog_file");
  const auto prefixes = reader.list("maillog_file_prefixes");
  if (!named.empty() &&
      std::ranges::none_of(prefixes, [&](const std::string& prefix) { return named.starts_with(prefix); })) {
    return fail(Errc::refused, fmt::format("maillog_file '{}' is not below any of maillog_file_prefixes '{}'", named,
                                           reader.text("maillog_file_prefixes")));
  }
  if (!events::parse_facility(reader.text("syslog_facility"))) {
    return fail(Errc::invalid, fmt::format("syslog_facility: unknown facility \"{}\"", reader.text("syslog_facility")));
  }
  if (const auto mode = reader.text("maillog_file_permissions"); mode != "0600" && mode != "0640" && mode != "0644") {
    return fail(Errc::invalid, fmt::format("maillog_file_permissions: \"{}\" is none of 0600, 0640, 0644", mode));
  }
  const auto target = log_target(configuration, foreground);
  const bool is_new = target.target == events::LogWriter::Target::file && ::access(target.path.c_str(), F_OK) != 0;
  auto writer = events::LogWriter::open(target);
  if (!writer || !is_new) return writer;
  const auto owner = mail_owner_ids(reader.text("mail_owner"));
  if (owner && *owner && ::chown(target.path.c_str(), (*owner)->uid, static_cast<gid_t>(-1)) != 0) {
    return fail(Errc::io, fmt::format("cannot give {} to mail_owner: {}", target.path, errno_text(errno)));
  }
  return writer;
}

std::string log_name(const config::View& view) {
  auto name = view.value("syslog_name").value_or("");
  return name.empty() ? "postfix" : name;
}

}  // namespace waypost::daemon
