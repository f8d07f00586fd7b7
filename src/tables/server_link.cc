#include "tables/server_link.h"

#include <array>
#include <string>

namespace waypost::tables {
namespace {

constexpr std::size_t kReadBytes = 4096;

}  // namespace

bool ServerLink::is_usable() const {
  const auto now = Patience::Clock::now();
  return socket_.is_open() && now - used_ < limits_.idle && now - opened_ < limits_.age && socket_.is_quiet();
}

Result<> ServerLink::open(const Patience& patience) {
  socket_.close();
  auto connected = ServerSocket::connect(server_, patience);
  if (!connected) return fail(Errc::refused, std::move(connected.error().text));
  socket_ = std::move(*connected);
  opened_ = used_ = Patience::Clock::now();
  return {};
}

Result<ServerAnswer> ServerLink::exchange(std::string_view request,
                                          const std::function<Parsed(std::string_view)>& parse,
                                          const Patience& patience) {
  if (const auto written = socket_.write(request, patience); !written) return std::unexpected(written.error());
  std::string received;  // as long as the parser's limits let it grow
  while (true) {
    std::array<char, kReadBytes> buffer;
    const auto got = socket_.read(buffer, patience);
    if (!got) return std::unexpected(got.error());
    received.append(buffer.data(), *got);
    auto answer = parse(received);
    if (!answer) return std::unexpected(answer.error());
    if (answer->has_value()) return std::move(**answer);
  }
}

Result<ServerAnswer> ServerLink::ask(std::string_view request, const std::function<Parsed(std::string_view)>& parse,
                                     const Patience& patience) {
  const bool is_kept = is_usable();
  if (!is_kept) {
    if (const auto opened = open(patience); !opened) return std::unexpected(opened.error());
  }
  auto answer = exchange(request, parse, patience);
  // The server may have closed a kept connection while the request was on its way.
  const bool is_dead = !answer && (answer.error().code == Errc::closed || answer.error().code == Errc::io);
  if (is_dead && is_kept && !patience.is_over()) {
    if (const auto opened = open(patience); !opened) return std::unexpected(opened.error());
    answer = exchange(request, parse, patience);
  }
  if (!answer) socket_.close();
  used_ = Patience::Clock::now();
  return answer;
}

}  // namespace waypost::tables
