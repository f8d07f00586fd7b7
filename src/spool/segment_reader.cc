#include "spool/segment_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mail/envelope_codec.h"
#include "spool/crc32c.h"

namespace waypost::spool {

namespace {

constexpr std::size_t kFirstRead = 1024;  // a header and most envelopes in one call

std::unexpected<Error> damaged(const Segment& segment, Place place) {
  return fail(Errc::corrupt, fmt::format("{} is damaged at {}", segment_name(segment.number), place.offset));
}

// The body of one record.
struct Piece {
  SegmentPtr segment;
  Place place;
  std::uint64_t begin = 0;   // in the content of the message
  std::uint64_t offset = 0;  // in the segment
  std::uint64_t size = 0;
  std::uint32_t sum = 0;
};

class SegmentReader final : public Reader {
 public:
  explicit SegmentReader(std::vector<Piece> pieces) : pieces_(std::move(pieces)) {}

  std::uint64_t size() const override { return pieces_.back().begin + pieces_.back().size; }

  Result<std::string> read(std::uint64_t offset, std::size_t limit) override {
    std::string bytes;
    if (offset >= size()) return bytes;
    bytes.resize(std::min<std::uint64_t>(limit, size() - offset));
    const bool in_order = offset == checked_;
    std::size_t done = 0;
    for (const Piece& piece : pieces_) {
      const std::uint64_t at = offset + done;
      if (at >= piece.begin + piece.size || done == bytes.size()) continue;
      const std::size_t size = std::min<std::uint64_t>(bytes.size() - done, piece.begin + piece.size - at);
      const std::span<char> into(bytes.data() + done, size);
      if (auto got = read_piece(piece, at - piece.begin, into, in_order); !got) return std::unexpected(got.error());
      done += size;
    }
    return bytes;
  }

 private:
  Result<> read_piece(const Piece& piece, std::uint64_t from, std::span<char> into, bool check) {
    const auto got = piece.segment->file->read(into, piece.offset + from);
    if (!got) return std::unexpected(got.error());
    if (*got != into.size()) return damaged(*piece.segment, piece.place);
    if (!check) return {};
    sum_ = crc32c({into.data(), into.size()}, from == 0 ? 0 : sum_);
    checked_ += into.size();
    if (from + into.size() == piece.size && sum_ != piece.sum) return damaged(*piece.segment, piece.place);
    return {};
  }

  std::vector<Piece> pieces_;
  std::uint64_t checked_ = 0;  // content bytes read in order so far
  std::uint32_t sum_ = 0;      // over those of the current piece
};

Result<> add_piece(std::vector<Piece>& pieces, const Located& located) {
  const auto front = read_front(*located.segment, located.place);
  if (!front) return std::unexpected(front.error());
  const RecordHeader& header = front->header;
  const std::uint64_t begin = pieces.empty() ? 0 : pieces.back().begin + pieces.back().size;
  const std::uint64_t before_body = kRecordHeaderSize + std::uint64_t{header.meta_size} + header.progress_size;
  pieces.push_back(
      {located.segment, located.place, begin, located.place.offset + before_body, header.body_size, header.body_sum});
  return {};
}

}  // namespace

Result<RecordFront> read_front(const Segment& segment, Place place) {
  std::string bytes(std::min<std::size_t>(kFirstRead, place.size), '\0');
  const auto got = segment.file->read(bytes, place.offset);
  if (!got) return std::unexpected(got.error());
  const auto header = decode_header(std::string_view(bytes).substr(0, *got));
  if (!header || header->segment != segment.number || header->record_size() != place.size)
    return damaged(segment, place);
  const std::size_t size = std::size_t{header->meta_size} + header->progress_size;
  if (kRecordHeaderSize + size > *got) {
    auto rest = read_exactly(*segment.file, place.offset, kRecordHeaderSize + size);
    if (!rest) return std::unexpected(rest.error());
    bytes = std::move(*rest);
  }
  const std::string_view front = std::string_view(bytes).substr(kRecordHeaderSize, size);
  if (crc32c(front) != header->meta_sum) return damaged(segment, place);
  return RecordFront{*header, std::string(front.substr(0, header->meta_size)),
                     std::string(front.substr(header->meta_size))};
}

Result<StoredMessage> load_message(QueueId id, const LocatedMessage& located) {
  const auto front = read_front(*located.message.segment, located.message.place);
  if (!front) return std::unexpected(front.error());
  auto envelope = mail::decode_envelope(front->meta);
  if (!envelope) return std::unexpected(envelope.error());
  StoredMessage message;
  message.envelope = std::move(*envelope);
  message.envelope.id = id;
  message.size = front->header.body_size;
  for (const Located& chunk : located.chunks) message.size += chunk.place.size - kRecordHeaderSize;
  std::string state;
  if (located.pending_progress) {
    state = *located.pending_progress;
  } else if (located.progress) {
    auto apart = read_front(*located.progress->segment, located.progress->place);
    if (!apart) return std::unexpected(apart.error());
    state = std::move(apart->progress);
  } else if (const auto part = decode_progress_part(front->progress); part) {
    state = part->state;
  }
  if (state.empty()) return message;
  auto progress = mail::decode_progress(state);
  if (!progress) return std::unexpected(progress.error());
  message.progress = std::move(*progress);
  return message;
}

Result<std::unique_ptr<Reader>> open_message(const LocatedMessage& located) {
  std::vector<Piece> pieces;
  for (const Located& chunk : located.chunks)
    if (auto added = add_piece(pieces, chunk); !added) return std::unexpected(added.error());
  if (auto added = add_piece(pieces, located.message); !added) return std::unexpected(added.error());
  return std::make_unique<SegmentReader>(std::move(pieces));
}

}  // namespace waypost::spool
