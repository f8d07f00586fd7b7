#include "daemon/log_target.h"

#include <unistd.h>

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

std::string log_name(const config::View& view) {
  auto name = view.value("syslog_name").value_or("");
  return name.empty() ? "postfix" : name;
}

}  // namespace waypost::daemon
