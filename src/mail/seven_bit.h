// MIME content for a way that takes 7-bit text only (RFC 6152 §3): every part that declares itself 8bit or binary comes
// out as quoted-printable (RFC 2045 §6.7), and what contains such parts as 7bit. Everything else passes unchanged: also
// 8-bit bytes that nobody declared, since nobody can say what they mean.
//
// Content in chunks of any size, lines ending in CRLF (or LF); lines come out with CRLF. Memory is bounded: an
// unfinished line of kPieceBytes, one MIME field, and a boundary for each level of nesting. Pure; one message an
// object.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::mail {

class SevenBit {
 public:
  static constexpr std::size_t kPieceBytes = 8 * 1'024;   // longer lines are worked on in pieces of this
  static constexpr std::size_t kFieldLimit = 16 * 1'024;  // what a Content- field has beyond this is not understood
  static constexpr std::size_t kBoundaryLimit = 2'048;    // longer ones are no boundaries

  // `nesting_limit`: of multiparts and messages within each other.
  explicit SevenBit(std::size_t nesting_limit) : nesting_limit_(nesting_limit) {}

  // Appends the converted form of the next chunk. False, now and ever after: the parts are nested deeper than the limit
  // and the message cannot be sent this way.
  bool feed(std::string_view chunk, std::string& out);
  // The content is over.
  bool finish(std::string& out);

 private:
  enum class Section : std::uint8_t { header, body };
  enum class Kind : std::uint8_t { leaf, multipart, message, opaque };
  // A piece of a line, with what it lacks of the line on either side.
  struct Piece {
    std::string_view text;  // without line end
    bool begins_line = true, ends_line = true;
  };
  struct Level {
    std::string boundary;  // empty for a message within the message
    bool is_digest = false;
  };
  struct Boundary {
    std::size_t level = 0;
    bool begins_part = true;  // false: it ends the multipart
  };

  void take(std::string_view bytes, bool ends_line, std::string& out);
  void header_piece(const Piece& piece, std::string& out);
  void end_field(std::string& out);
  void end_header(bool with_blank_line, std::string& out);
  void body_piece(const Piece& piece, std::string& out);
  std::optional<Boundary> find_boundary(std::string_view line) const;
  void cross(const Boundary& boundary);
  void begin_entity(bool in_digest);
  void descend(Level level);
  void read_content_type(std::string_view value);
  void quote(const Piece& piece, std::string& out);
  void append_token(std::string_view token, std::string& out);
  void pass(const Piece& piece, std::string& out);

  const std::size_t nesting_limit_;
  bool failed_ = false;
  std::string partial_;      // the start of an unfinished line
  bool line_begins_ = true;  // the next piece begins a line
  bool open_line_ = false;   // what came out last was no whole line
  Section section_ = Section::header;
  std::vector<Level> levels_;
  // The entity whose header or body this is.
  Kind kind_ = Kind::leaf;
  bool eight_bit_ = false;  // it says so
  bool is_digest_ = false;
  std::string boundary_;
  bool converting_ = false;  // its body comes out as quoted-printable
  std::size_t column_ = 0;   // of the quoted-printable line under way
  std::string field_;        // a Content-Type or Content-Transfer-Encoding field, with its line ends
};

}  // namespace waypost::mail
