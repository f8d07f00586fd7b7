// Where the relay keeps its things. Everything of ours is below $queue_directory/waypost; Postfix's own folders beside
// it are never touched.
//
//   pid/master.pid     who runs
//   waypost/segments/  the spool (mail owner only)
//   waypost/drop/      what sendmail(1) submitted (writable for all, readable for none)
//   waypost/aside/     dropped files that were no messages
//   waypost/control    the control socket
#pragma once

#include <string>

namespace waypost::daemon {

struct Paths {
  std::string queue_directory, home, pid_file, segments, drop, aside, control_socket;
};

Paths make_paths(const std::string& queue_directory, const std::string& control_socket);

}  // namespace waypost::daemon
