#include "tables/patience.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "base/text.h"

namespace waypost::tables {
namespace {

using std::chrono::milliseconds;

// poll(2) counts in an int.
constexpr milliseconds kLongestWait{std::chrono::hours(1)};

}  // namespace

StopSignal::StopSignal() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void StopSignal::raise() {
  is_raised_ = true;
  const std::uint64_t one = 1;
  if (event_.is_open()) [[maybe_unused]]
    const auto ignored = ::write(event_.get(), &one, sizeof one);
}

Patience Patience::at_most(milliseconds limit) const {
  return {std::min<MonoTime>(deadline_, Clock::now() + limit), stop_};
}

milliseconds Patience::left() const {
  const auto now = Clock::now();
  if (now >= deadline_) return milliseconds(0);
  return std::min(kLongestWait, std::chrono::ceil<milliseconds>(deadline_ - now));
}

Result<short> Patience::wait(int fd, short events) const {
  while (true) {
    pollfd watched[] = {{fd, events, 0}, {stop_ != nullptr ? stop_->fd() : -1, POLLIN, 0}};
    const auto limit = left();
    const int ready = ::poll(watched, 2, static_cast<int>(limit.count()));
    if (ready < 0 && errno != EINTR) return fail(Errc::io, errno_text(errno));
    if (ready > 0 && watched[1].revents != 0) return fail(Errc::closed, "the mail system is stopping");
    if (ready > 0) return watched[0].revents;
    if (limit == milliseconds(0)) return fail(Errc::timeout, errno_text(ETIMEDOUT));
  }
}

Result<> Patience::pause(milliseconds time) const {
  const auto waited = at_most(time).wait(-1, 0);
  if (!waited && (waited.error().code != Errc::timeout || is_over())) return std::unexpected(waited.error());
  return {};
}

}  // namespace waypost::tables
