#include "smtp_client/content.h"

#include <array>
#include <bit>
#include <cstring>

#include "mail/seven_bit.h"
#include "smtp/dot_encoder.h"
#include "smtp/line_folder.h"

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

// Content on its way from the spool to the wire.
class WireEncoder {
 public:
  explicit WireEncoder(const ContentTreatment& treatment) : dots_(treatment.stray_cr) {
    if (treatment.to_seven_bit) seven_bit_.emplace(treatment.mime_nesting_limit);
    if (treatment.line_length_limit > 0) folder_.emplace(treatment.line_length_limit);
  }
  // False: it cannot be converted (SevenBit).
  bool encode(std::string_view content, std::string& wire) {
    converted_.clear();
    const bool fit = !seven_bit_ || seven_bit_->feed(content, converted_);
    fold(seven_bit_ ? std::string_view(converted_) : content, false, wire);
    return fit;
  }
  bool folded() const { return folder_ && folder_->folded(); }
  bool finish(std::string& wire) {
    converted_.clear();
    const bool fit = !seven_bit_ || seven_bit_->finish(converted_);
    fold(converted_, true, wire);
    dots_.finish(wire);
    return fit;
  }

 private:
  void fold(std::string_view content, bool is_last, std::string& wire) {
    if (!folder_) return dots_.encode(content, wire);
    folded_.clear();
    folder_->fold(content, folded_);
    if (is_last) folder_->finish(folded_);
    dots_.encode(folded_, wire);
  }

  std::optional<mail::SevenBit> seven_bit_;
  std::optional<smtp::LineFolder> folder_;
  smtp::DotEncoder dots_;
  std::string converted_, folded_;
};

bool goes_as_it_is(std::string_view content, const ContentTreatment& treatment) {
  const auto limit = treatment.line_length_limit;
  return !treatment.to_seven_bit && (limit == 0 || !smtp::has_long_line(content, limit)) &&
         smtp::is_transparent(content);
}

// The final dot goes out with the last of the content.
net::Task<Action> send_from_memory(Connection& connection, std::shared_ptr<const std::string> content,
                                   ContentTreatment treatment) {
  const auto& timeouts = connection.settings->timeouts;
  std::string wire;
  std::string_view pieces = *content;
  std::string_view end;
  if (goes_as_it_is(*content, treatment)) {
    end = smtp::end_of_data(*content);
  } else {
    constexpr std::size_t kDotsExpected = 64;
    wire.reserve(content->size() + kDotsExpected);
    WireEncoder encoder(treatment);
    if (!encoder.encode(*content, wire) || !encoder.finish(wire)) co_return connection.session().on_content_unfit();
    connection.folded_lines = encoder.folded();
    pieces = wire;
  }
  const auto written = co_await write_pieces(connection, pieces, end, timeouts);
  if (written) co_return connection.session().on_content_sent();
  const auto action = co_await after_failed_write(connection, written.error(), timeouts);
  co_return action;
}

using Chunk = std::optional<std::string>;

net::Task<Chunk> read_chunk(net::BlockingPool& pool, std::shared_ptr<delivery::BodySource> body, std::uint64_t offset) {
  auto read = co_await pool.run([body, offset] { return Result<Chunk>(body->read(offset, kContentChunkBytes)); });
  if (!read) co_return std::nullopt;
  co_return std::move(*read);
}

net::Task<Action> send_from_spool(Connection& connection, std::shared_ptr<delivery::BodySource> body,
                                  net::BlockingPool& pool, ContentTreatment treatment) {
  const auto& timeouts = connection.settings->timeouts;
  WireEncoder encoder(treatment);
  std::string wire;
  const std::uint64_t size = body->size();
  for (std::uint64_t offset = 0; offset < size;) {
    const auto chunk = co_await read_chunk(pool, body, offset);
    if (!chunk || chunk->empty()) co_return connection.session().on_content_failed();
    offset += chunk->size();
    wire.clear();
    const bool fit = encoder.encode(*chunk, wire) && (offset < size || encoder.finish(wire));
    if (!fit) co_return connection.session().on_content_unfit();
    connection.folded_lines = encoder.folded();
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
                               net::BlockingPool& pool, ContentTreatment treatment) {
  connection.folded_lines = false;
  auto cached = body->cached();
  if (!cached && body->size() > 0) {
    const auto action = co_await send_from_spool(connection, std::move(body), pool, treatment);
    co_return action;
  }
  if (!cached) cached = std::make_shared<const std::string>();
  const auto action = co_await send_from_memory(connection, std::move(cached), treatment);
  co_return action;
}

}  // namespace waypost::smtp_client
