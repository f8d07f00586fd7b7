#include "tools/stopped_queue.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/text.h"
#include "config/reader.h"
#include "daemon/directories.h"
#include "tools/postfix_folders.h"

namespace waypost::tools {
namespace {

// The lock that Postfix's master and our daemon both hold while they run.
Result<daemon::PidFile> hold(const std::string& queue_directory) {
  std::error_code failed;
  std::filesystem::create_directory(queue_directory + "/pid", failed);
  if (failed) return fail(Errc::io, fmt::format("create directory {}/pid: {}", queue_directory, failed.message()));
  auto held = daemon::PidFile::acquire(queue_directory + "/pid/master.pid");
  if (held || held.error().code != Errc::exists) return held;
  return fail(Errc::exists, fmt::format("{} on {}; stop it first: postfix stop", held.error().text, queue_directory));
}

spool::SpoolSettings spool_settings(const Context& context) {
  config::Findings findings;
  const auto view = context.configuration->view();
  spool::SpoolSettings settings;
  settings.segment_size_bytes =
      static_cast<std::uint64_t>(config::Reader(view, findings).number("waypost_spool_segment_size"));
  return settings;
}

}  // namespace

Result<StoppedQueue> StoppedQueue::open(const Context& context, const std::string& postfix_directory) {
  const auto owner = spool_owner(context);
  if (!owner) return std::unexpected(owner.error());
  if (auto made = daemon::make_directories(context.paths, *owner); !made) return std::unexpected(made.error());
  auto held = hold(postfix_directory);
  if (!held) return std::unexpected(held.error());
  StoppedQueue out{.files = std::make_unique<OwnedFiles>(*owner),
                   .quiet = std::make_unique<NullLog>(),
                   .postfix_lock = std::move(*held),
                   .own_lock = std::nullopt,
                   .spool = nullptr};
  std::error_code ignored;
  if (!std::filesystem::equivalent(postfix_directory, context.paths.queue_directory, ignored)) {
    auto own = hold(context.paths.queue_directory);
    if (!own) return std::unexpected(own.error());
    out.own_lock.emplace(std::move(*own));
  }
  auto spool =
      spool::open_spool(context.paths.segments, spool_settings(context), *out.files, Log(*out.quiet, "spool", 0));
  if (!spool) return std::unexpected(spool.error());
  out.spool = std::move(*spool);
  return out;
}

Result<> set_mark(const daemon::Paths& paths, const std::string& mark) {
  const Descriptor file(::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file.is_open() || ::fsync(file.get()) != 0)
    return fail(Errc::io, fmt::format("create {}: {}", mark, errno_text(errno)));
  return sync_folder(paths.home);
}

}  // namespace waypost::tools
