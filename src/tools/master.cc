#include <getopt.h>

#include <string>

#include "base/text.h"
#include "config/load.h"
#include "daemon/start.h"
#include "tools/commands.h"
#include "tools/console.h"

namespace waypost::tools {

int master_main(int argc, char** argv) {
  const Console console("postfix/master");
  daemon::StartOptions options;
  std::string directory;
  optind = 1;
  for (int c = 0; (c = ::getopt(argc, argv, "c:dr:vw")) != -1;) {
    switch (c) {
      case 'c':
        directory = optarg;
        break;
      case 'd':
        options.foreground = true;
        break;
      case 'r':
        options.ready_fd = static_cast<int>(parse_number(optarg, 1024).value_or(-1));
        break;
      case 'v':
      case 'w':
        break;
      default:
        return console.fatal("usage: master [-c config_dir] [-d]; use the postfix command instead", kExitUsage);
    }
  }
  options.config_directory = config::config_directory(directory);
  return daemon::run_master(options);
}

}  // namespace waypost::tools
