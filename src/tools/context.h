// Where a command finds the running relay: read from the same main.cf as the daemon.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/load.h"
#include "daemon/paths.h"

namespace waypost::tools {

struct Context {
  std::string config_directory;
  std::shared_ptr<const config::Configuration> configuration;
  daemon::Paths paths;
  std::size_t message_size_limit = 0;  // bytes; 0: none
  bool long_queue_ids = false;         // enable_long_queue_ids
  std::string authorized_submit_users;
};

// `config_directory` empty: $MAIL_CONFIG, else /etc/postfix. Errors name file and line.
Result<Context> open_context(const std::string& config_directory);

// The error text for a daemon that does not answer on its control socket.
std::string system_down_text(const Error& error);

}  // namespace waypost::tools
