// Finds the header section of a message while its content streams by, and notes what the relay must know of it.
//
// Input: decoded content (dot-stuffing removed) in chunks of any size, lines ending in CRLF (a bare LF also ends a
// line). Work stops at the end of the header section: later chunks cost one comparison. A line that is neither a field
// nor a continuation ends the section, as in Postfix: the body begins there. Nothing is kept of the content but the
// Message-ID, an unfinished line and where the fields are. What comes behind kMaxHeaderSection or kMaxHeaderFields is
// body. Not thread-safe; one object a message, reset() for the next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::mail {

inline constexpr std::size_t kMaxMessageIdLength = 998;         // RFC 5322 §2.1.1: a line
inline constexpr std::uint64_t kMaxHeaderSection = 16U << 20U;  // bytes
inline constexpr std::size_t kMaxHeaderFields = 100'000;

enum class HeaderName : std::uint8_t {
  other,
  from,
  sender,
  reply_to,
  to,
  cc,
  bcc,
  date,
  message_id,
  subject,
  received,
  return_path,
  content_length,
  mime_version,
  content_type,
  content_transfer_encoding,
  resent_from,
  resent_sender,
  resent_to,
  resent_cc,
  resent_bcc,
  resent_date,
  resent_message_id,
};

// One field, with its continuation lines and line ends.
struct HeaderField {
  HeaderName name = HeaderName::other;
  std::uint8_t name_length = 0;  // up to the colon, without blanks; 255 when longer
  std::uint32_t offset = 0;      // from the start of the content
  std::uint32_t length = 0;
};

class HeaderScan {
 public:
  // The next piece of content. Returns true once the header section has ended (then and ever after).
  bool feed(std::string_view chunk) { return ended_ || scan(chunk); }
  // The content is over: an unfinished last line counts as a line.
  void finish();
  void reset();

  bool ended() const { return ended_; }
  // Where the body begins: after the empty line, or at the line that is no header; the content's size without a body.
  std::uint64_t body_offset() const { return body_offset_; }
  // Where a field may be inserted behind the last field: before the empty line, if there is one.
  std::uint64_t fields_end() const { return fields_end_; }
  // False when the section ends without an empty line: one must be inserted after added fields.
  bool has_separator() const { return body_offset_ != fields_end_; }

  bool has(HeaderName name) const { return (present_ >> static_cast<unsigned>(name) & 1U) != 0; }
  bool is_resent() const;                            // any Resent- field
  std::uint32_t hop_count() const { return hops_; }  // Received: fields (hopcount_limit)
  // The first Message-ID's value without surrounding blanks, unfolded; empty if there is none.
  const std::string& message_id() const { return message_id_; }
  const std::string& resent_message_id() const { return resent_message_id_; }
  const std::vector<HeaderField>& fields() const { return fields_; }

 private:
  bool scan(std::string_view chunk);
  bool take_line(std::string_view line, std::uint64_t offset, std::size_t raw_length);
  void begin_field(HeaderName name, std::size_t name_length, std::uint64_t offset, std::size_t raw_length);
  void add_value(std::string_view text);
  void end_section(std::uint64_t fields_end, std::uint64_t body_offset);

  std::uint64_t offset_ = 0;       // of the next byte to be fed
  std::string partial_;            // the start of the line that the last chunk did not finish, at most kPartialLimit
  std::uint64_t partial_raw_ = 0;  // its real length
  HeaderName current_ = HeaderName::other;
  std::string* value_ = nullptr;  // where the current field's value is collected
  std::uint64_t body_offset_ = 0, fields_end_ = 0;
  std::uint32_t present_ = 0, hops_ = 0;
  bool ended_ = false;
  std::string message_id_, resent_message_id_;
  std::vector<HeaderField> fields_;
};

}  // namespace waypost::mail
