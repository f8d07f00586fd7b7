// Where the relay keeps its things. Everything of ours is below $queue_directory/waypost; Postfix's own folders beside
// it are never touched.
//
//   pid/master.pid     who runs
//   waypost/segments/  the spool (mail owner only)
//   waypost/drop/      what sendmail(1) submitted (writable for all, readable for none)
//   waypost/aside/     dropped files that were no messages
//   waypost/control    the control socket
//   waypost/imported/  Postfix's queue files that were taken over (mail owner and root only)
//   waypost/exporting/ queue files on their way back to Postfix
//   waypost/import.unfinished, waypost/export.unfinished  there while one of them runs; the daemon does not start
//   beside it
#pragma once

#include <string>

#include "base/result.h"

namespace waypost::daemon {

inline constexpr const char* kImportedFolder = "waypost/imported";    // below $queue_directory
inline constexpr const char* kExportingFolder = "waypost/exporting";  // so is this

struct Paths {
  std::string queue_directory, home, pid_file, segments, drop, aside, control_socket, import_mark, export_mark;
};

Paths make_paths(const std::string& queue_directory, const std::string& control_socket);

// Errc::refused when an import was cut off: what it had under way is in the spool and in Postfix's queue, and only
// running it again tells which. Delivering before that could deliver twice.
Result<> check_no_import(const Paths& paths);
// Errc::refused when an export was cut off: what it had under way has left the spool, and Postfix does not see it yet.
Result<> check_no_export(const Paths& paths);

}  // namespace waypost::daemon
