#include "smtp_client/content.h"

#include <array>
#include <bit>
#include <cstring>

#include "smtp/dot_encoder.h"

namespace waypost::smtp_client {
namespace {

using Action = Connection::Action;

// After a write that failed: the server's reason may have arrived before the connection broke (a premature 5xx).
net::Task<Action> after_failed_write(Connection& connection, const Error& error, const Timeouts& timeouts) {
  if (error.code == Errc::timeout) co_return connection.session().on_timeout();
  const auto action = co_await connection.drive(Action::read, timeouts);
  co_return action;
}

net::Task<Result<>> write_pieces(Connection& connection, std::string_view content, std::string_view end,
                                 const Timeouts& timeouts) {
  for (;;) {
    const auto part = content.substr(0, kContentChunkBytes);
    content.remove_prefix(part.size());
    const std::array<std::string_view, 2> pieces = {part, content.empty() ? end : std::string_view{}};
    const MonoTime deadline = connection.stream().thread().now() + timeouts.data_xfer;
    const auto written = co_await connection.stream().write_all(pieces, deadline);
    if (!written || content.empty()) co_return written;
  }
}

// Content in memory. The final dot goes out with the last of it.
net::Task<Result<>> write_cached(Connection& connection, std::shared_ptr<const std::string> content,
                                 const Timeouts& timeouts) {
  if (smtp::is_transparent(*content)) {
    const auto plain = co_await write_pieces(connection, *content, smtp::end_of_data(*content), timeouts);
    co_return plain;
  }
  std::string wire;
  constexpr std::size_t kDotsExpected = 64;
  wire.reserve(content->size() + kDotsExpected);
  smtp::DotEncoder encoder;
  encoder.encode(*content, wire);
  encoder.finish(wire);
  const auto encoded = co_await write_pieces(connection, wire, {}, timeouts);
  co_return encoded;
}

using Chunk = std::optional<std::string>;

net::Task<Chunk> read_chunk(net::BlockingPool& pool, std::shared_ptr<delivery::BodySource> body, std::uint64_t offset) {
  auto read = co_await pool.run([body, offset] { return Result<Chunk>(body->read(offset, kContentChunkBytes)); });
  if (!read) co_return std::nullopt;
  co_return std::move(*read);
}

net::Task<Action> send_from_spool(Connection& connection, std::shared_ptr<delivery::BodySource> body,
                                  net::BlockingPool& pool, const Timeouts& timeouts) {
  smtp::DotEncoder encoder;
  std::string wire;
  const std::uint64_t size = body->size();
  for (std::uint64_t offset = 0; offset < size;) {
    const auto chunk = co_await read_chunk(pool, body, offset);
    if (!chunk || chunk->empty()) co_return connection.session().on_content_failed();
    offset += chunk->size();
    wire.clear();
    encoder.encode(*chunk, wire);
    if (offset >= size) encoder.finish(wire);
    const auto written = co_await write_pieces(connection, wire, {}, timeouts);
    if (!written) {
      const auto action = co_await after_failed_write(connection, written.error(), timeouts);
      co_return action;
    }
  }
  co_return connection.session().on_content_sent();
}

}  // namespace

bool has_eight_bit(std::string_view content) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= content.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, content.data() + at, sizeof word);
    if ((word & kHighBits) != 0) return true;
  }
  for (; at < content.size(); ++at) {
    if (static_cast<unsigned char>(content[at]) > 127) return true;
  }
  return false;
}

net::Task<Action> send_content(Connection& connection, std::shared_ptr<delivery::BodySource> body,
                               net::BlockingPool& pool, const Timeouts& timeouts) {
  auto cached = body->cached();
  if (!cached && body->size() > 0) {
    const auto action = co_await send_from_spool(connection, std::move(body), pool, timeouts);
    co_return action;
  }
  if (!cached) cached = std::make_shared<const std::string>();
  const auto written = co_await write_cached(connection, std::move(cached), timeouts);
  if (written) co_return connection.session().on_content_sent();
  const auto action = co_await after_failed_write(connection, written.error(), timeouts);
  co_return action;
}

}  // namespace waypost::smtp_client
