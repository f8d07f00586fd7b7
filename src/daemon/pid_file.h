// $queue_directory/pid/master.pid: says who runs, and by its lock that somebody does. Same place and form as Postfix's.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "base/descriptor.h"
#include "base/result.h"

namespace waypost::daemon {

class PidFile {
 public:
  // Creates and locks the file for this process. Errc::exists: another process holds it (the text names its pid).
  static Result<PidFile> acquire(const std::string& path);
  // The pid of the process that holds the lock, nullopt when nobody does. Errc::io: the file may not be read.
  static Result<std::optional<pid_t>> holder(const std::string& path);

 private:
  explicit PidFile(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;  // closing it gives the lock back
};

}  // namespace waypost::daemon
