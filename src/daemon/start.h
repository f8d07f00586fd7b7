// Starting the daemon: what `postfix start` and `postfix start-fg` execute. The process is named postfix/master, so
// that `ps aux | grep "postfix/"` shows it.
#pragma once

#include <string>

namespace waypost::daemon {

struct StartOptions {
  std::string config_directory;
  bool foreground = false;
  int ready_fd = -1;  // gets "ok\n" when the relay serves; closed without a word when it does not come to that
};

// Runs the relay until it is told to stop (SIGTERM, SIGINT, the control socket). Exit status.
int run_master(const StartOptions& options);

}  // namespace waypost::daemon
