#include "tools/console.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::tools {
namespace {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

void Console::print(std::string_view prefix, std::string_view text) const {
  write_all(STDERR_FILENO, fmt::format("{}: {}{}\n", name_, prefix, printable(text, text.size())));
}

Result<std::string> read_stdin(std::size_t limit) {
  std::string out;
  char buffer[65536];
  while (true) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, fmt::format("read stdin: {}", errno_text(errno)));
    if (n == 0) return out;
    if (static_cast<std::size_t>(n) > limit - out.size()) {
      return fail(Errc::invalid, fmt::format("stdin: more than {} bytes", limit));
    }
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

bool write_stdout(std::string_view text) { return write_all(STDOUT_FILENO, text); }

}  // namespace waypost::tools
