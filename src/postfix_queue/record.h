// The records of Postfix's queue files. Pure: bytes come through ByteSource, nothing here opens a file.
//
//   file    = *record
//   record  = type:1 length data         length: 7 bits a byte, least significant first, 0x80 set on all but the last
//
// A file is three sections, each ended by a record of its own: envelope (..M), content (..X), extracted (..E). A
// pointer record sends the reader to another place of the file; that is how headers and recipients are edited
// afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::postfix_queue {

// The letters are Postfix's; `text` of one section and `filter` of the others share one.
enum class RecordType : char {
  size = 'C',        // first record: sizes and flags, rewritten in place when the message is complete
  arrival = 'T',     // seconds and microseconds
  created = 'c',     // seconds
  full_name = 'F',   // of a local sender
  inspector = 'I',   // never written by the versions in use
  filter = 'L',      // in the envelope: transport:nexthop of a content filter
  sender = 'S',      //
  recipient = 'R',   // still to be delivered
  done = 'D',        // was a recipient, has been delivered or bounced
  cancelled = '/',   // was a recipient, a milter took it out
  original = 'O',    // what the next recipient was called at first
  warning = 'W',     // when the sender is to be told of the delay; -1: it was told
  attribute = 'A',   // name=value
  killed = 'K',      // was something else
  redirect = '>',    // everything goes to this address instead
  message = 'M',     // ends the envelope
  part = 'L',        // in the content: a piece of a line that goes on in the next record
  line = 'N',        // in the content: a line, or the last piece of one
  padding = 'w',     //
  extracted = 'X',   // ends the content
  pointer = 'p',     // go on at this offset; 0: no
  verp = 'V',        // delimiters for a sender address of its own for each recipient
  receipt_to = 'r',  // of old: the header Return-Receipt-To
  errors_to = 'e',   // of old: the header Errors-To
  priority = 'P',    //
  end = 'E',         // ends the file
  // Between Postfix's processes only, never in a file; postcat knows their names.
  flags = 'f',
  dsn_return = '<',
  dsn_envid = 'i',
  dsn_orcpt = 'o',
  dsn_notify = 'n',
};

inline constexpr std::size_t kMaxRecordBytes = std::size_t{16} << 20;  // of data; what Postfix writes is far below
inline constexpr std::size_t kMaxLengthBytes = 4;                      // of the length; Postfix reads no more either

// What postcat calls it; "unknown_record_type".
std::string_view record_name(char type);

struct Record {
  char type = 0;
  std::uint64_t offset = 0;  // of the type byte
  std::string data;

  bool is(RecordType wanted) const { return type == static_cast<char>(wanted); }
};

void put_record(std::string& out, RecordType type, std::string_view data);

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // Up to `limit` bytes from `offset`, fewer only at the end.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t limit) const = 0;
};

class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<std::string> read(std::uint64_t offset, std::size_t limit) const override;

 private:
  std::string_view bytes_;  // outlives the source
};

// Reads one record after the other. Errc::corrupt names the offset: a record that is cut off, a length above the limit,
// a pointer that leads nowhere, or a walk that is longer than the file, which only pointers in a circle make. One
// thread.
class RecordReader {
 public:
  explicit RecordReader(const ByteSource& source, std::uint64_t offset = 0) : source_(source), at_(offset) {}

  // nullopt at the end of the file. Pointers and padding are records like any other.
  Result<std::optional<Record>> next_raw();
  // Follows pointers and passes over padding.
  Result<std::optional<Record>> next();
  // Where the next record is read from.
  std::uint64_t offset() const { return at_; }
  void seek(std::uint64_t offset) { at_ = offset; }
  Result<> follow(const Record& pointer);

 private:
  Result<std::string> take(std::size_t size);

  const ByteSource& source_;
  std::uint64_t at_ = 0;
  std::uint64_t walked_ = 0;     // bytes of all records so far
  std::string window_;           // what was read ahead
  std::uint64_t window_at_ = 0;  // its place in the file
};

}  // namespace waypost::postfix_queue
