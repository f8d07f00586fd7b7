// Our spool and a Postfix's queue directory, held so that neither a daemon of ours nor a Postfix starts on them
// meanwhile.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "daemon/paths.h"
#include "daemon/pid_file.h"
#include "spool/segment_spool.h"
#include "tools/context.h"
#include "tools/owned_files.h"

namespace waypost::tools {

struct StoppedQueue {
  // Makes our folders if need be. Errc::exists: a relay runs on one of them (the text says which). The spool is open
  // but not read yet.
  static Result<StoppedQueue> open(const Context& context, const std::string& postfix_directory);

  std::unique_ptr<OwnedFiles> files;
  std::unique_ptr<NullLog> quiet;
  daemon::PidFile postfix_lock;
  std::optional<daemon::PidFile> own_lock;  // when the two directories differ
  std::unique_ptr<spool::SegmentSpool> spool;
};

// Puts a mark below our folder that keeps the daemon from starting; on disk when this returns. Errc::io.
Result<> set_mark(const daemon::Paths& paths, const std::string& mark);

}  // namespace waypost::tools
