#include "daemon/paths.h"

namespace waypost::daemon {

Paths make_paths(const std::string& queue_directory, const std::string& control_socket) {
  const auto home = queue_directory + "/waypost";
  return {queue_directory, home,          queue_directory + "/pid/master.pid", home + "/segments", home + "/drop",
          home + "/aside", control_socket};
}

}  // namespace waypost::daemon
