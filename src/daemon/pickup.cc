#include "daemon/pickup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <latch>
#include <memory>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/text.h"
#include "events/events.h"
#include "mail/address.h"

namespace waypost::daemon {
namespace {

Result<std::string> read_file(int fd, std::size_t size) {
  std::string text(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd, text.data() + got, size - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, errno_text(errno));
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

WallTime modified(const struct stat& info) {
  return WallTime{std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::microseconds(info.st_mtim.tv_nsec / 1000)};
}

}  // namespace

Pickup::Pickup(Parts parts) : parts_(std::move(parts)) {}

Result<> Pickup::start() {
  watch_fd_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  if (watch_fd_ < 0 || stop_fd_ < 0 || ::inotify_add_watch(watch_fd_, parts_.folder.c_str(), IN_MOVED_TO) < 0) {
    return fail(Errc::io, fmt::format("cannot watch {}: {}", parts_.folder, errno_text(errno)));
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

void Pickup::stop() {
  if (thread_.joinable()) {
    ::eventfd_write(stop_fd_, 1);
    thread_.join();
  }
  for (int* fd : {&watch_fd_, &stop_fd_}) {
    if (*fd >= 0) ::close(std::exchange(*fd, -1));
  }
}

void Pickup::run() {
  while (true) {
    const bool more = scan();
    std::array<pollfd, 2> waits{{{stop_fd_, POLLIN, 0}, {watch_fd_, POLLIN, 0}}};
    const int timeout_ms = more ? 0 : static_cast<int>(std::chrono::milliseconds(kRescan).count());
    ::poll(waits.data(), waits.size(), timeout_ms);
    if (waits[0].revents != 0) return;
    std::array<char, 4096> events;  // which files does not matter: the folder is read as a whole
    while (::read(watch_fd_, events.data(), events.size()) > 0) {
    }
  }
}

bool Pickup::scan() {
  auto batch = collect();
  const bool full = batch.size() == kBatch;
  return submit(std::move(batch)) && full;
}

std::vector<Pickup::Found> Pickup::collect() const {
  std::vector<Found> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(parts_.folder.c_str()), ::closedir);
  if (!folder) {
    parts_.log.warning("cannot read {}: {}", parts_.folder, errno_text(errno));
    return out;
  }
  while (out.size() < kBatch) {
    const dirent* entry = ::readdir(folder.get());  // NOLINT(concurrency-mt-unsafe): a stream of its own
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name.starts_with('.')) continue;  // being written
    auto found = read(name);
    if (found) {
      out.push_back(std::move(*found));
    } else if (found.error().code == Errc::invalid) {
      set_aside(name, found.error().text);
    } else {
      parts_.log.warning("{}/{}: {}", parts_.folder, name, found.error().text);
    }
  }
  return out;
}

// Anybody may write into the folder: only a plain file with one name, of bounded size, is looked at.
Result<Pickup::Found> Pickup::read(const std::string& name) const {
  const auto path = fmt::format("{}/{}", parts_.folder, name);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) return fail(errno == ELOOP ? Errc::invalid : Errc::io, errno_text(errno));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail(Errc::io, errno_text(errno));
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1) return fail(Errc::invalid, "not a plain file with one name");
  const auto limit = parts_.intake.settings()->message_size_limit;
  if (limit > 0 && static_cast<std::uint64_t>(info.st_size) > limit + kFieldSpace)
    return fail(Errc::invalid, "larger than message_size_limit");
  auto text = read_file(file.get(), static_cast<std::size_t>(info.st_size));
  if (!text) return std::unexpected(text.error());
  auto drop = intake::parse_drop(*text);
  if (!drop) return std::unexpected(drop.error());
  return Found{name, info.st_uid, modified(info), std::move(*drop)};
}

bool Pickup::submit(std::vector<Found> batch) {
  std::latch done(static_cast<std::ptrdiff_t>(batch.size()));
  std::atomic<bool> progress = false;
  for (auto& found : batch) {
    auto& thread = parts_.threads.next();
    thread.post([this, index = thread.index(), found = std::move(found), &done, &progress]() mutable {
      parts_.group(index).spawn(submit_one(std::move(found), [&](bool gone) {
        progress = progress || gone;
        done.count_down();
      }));
    });
  }
  done.wait();
  return progress;
}

net::Task<void> Pickup::submit_one(Found found, std::function<void(bool)> done) {
  // The command has asked already; this is for files that did not come from it.
  const auto users = users_.load();
  const auto refused = co_await users->submit.refused(found.uid);
  if (!refused) {
    stays(found.name, refused.error().text);
    done(false);
    co_return;
  }
  if (*refused) {
    set_aside(found.name, fmt::format("User {}({}) is not allowed to submit mail", **refused, found.uid));
    done(true);
    co_return;
  }
  mail::Envelope envelope;
  envelope.id = parts_.intake.next_id();
  envelope.arrival = found.arrival;
  envelope.sender = mail::to_internal(found.drop.sender).value_or(found.drop.sender);
  envelope.encoding = found.drop.encoding;
  envelope.dsn_return = found.drop.dsn_return;
  envelope.dsn_envid = found.drop.dsn_envid;
  for (const auto& text : found.drop.recipients) {
    auto address = mail::to_internal(text);
    envelope.recipients.push_back({.address = address ? std::move(*address) : text, .notify = found.drop.notify});
  }
  const QueueId id = envelope.id;
  events::picked_up(parts_.log, id, found.uid, envelope.sender);
  const auto verdict =
      co_await parts_.intake.submit(std::move(envelope), {.origin = intake::Origin::local_user, .uid = found.uid},
                                    {.wanted = true, .full_name = found.drop.full_name}, std::move(found.drop.content));
  if (!verdict.refusal) {
    ::unlink(fmt::format("{}/{}", parts_.folder, found.name).c_str());
  } else if (verdict.refusal->code >= 500) {
    set_aside(found.name, verdict.refusal->text);
  } else {
    stays(found.name, verdict.refusal->text);
  }
  done(!verdict.refusal || verdict.refusal->code >= 500);
}

void Pickup::stays(const std::string& name, const std::string& why) const {
  parts_.log.warning("{}/{}: {}; it stays for another attempt", parts_.folder, name, why);
}

void Pickup::set_aside(const std::string& name, const std::string& why) const {
  const auto from = fmt::format("{}/{}", parts_.folder, name);
  const auto to = fmt::format("{}/{}", parts_.aside, name);
  const bool moved = ::rename(from.c_str(), to.c_str()) == 0;
  parts_.log.warning("{}: {}; {} {}", from, why, moved ? "moved to" : "could not be moved to", to);
}

}  // namespace waypost::daemon
