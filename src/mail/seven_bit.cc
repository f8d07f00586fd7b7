#include "mail/seven_bit.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace waypost::mail {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kContentType = "content-type", kEncoding = "content-transfer-encoding";
constexpr std::size_t kQuotedLine = 75;  // RFC 2045 §6.7 (5): 76 with the '=' of a soft line break

// "Name" of "Name: value"; empty when the line is no field.
std::string_view field_name(std::string_view line) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  const auto name = trim(line.substr(0, colon));
  for (const char c : name) {
    if (c <= ' ' || static_cast<unsigned char>(c) >= 0x7f) return {};
  }
  return line.starts_with(' ') || line.starts_with('\t') ? std::string_view{} : name;
}

// A value of a Content-Type field: words, quoted strings and comments (RFC 2045 §5.1).
class ValueReader {
 public:
  explicit ValueReader(std::string_view text) : rest_(text) {}

  // The next token, quoted string or special character; empty at the end.
  std::string next() {
    skip_blanks_and_comments();
    if (rest_.empty()) return {};
    if (rest_.front() == '"') return quoted();
    constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?= \t\r\n";
    auto end = rest_.find_first_of(kSpecials);
    if (end == 0) end = 1;
    std::string token(rest_.substr(0, end));
    rest_.remove_prefix(token.size());
    return token;
  }

 private:
  void skip_blanks_and_comments() {
    int depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '(') ++depth;
      if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n') return;
      if (c == ')' && depth > 0) --depth;
      rest_.remove_prefix(c == '\\' && depth > 0 && rest_.size() > 1 ? 2 : 1);
    }
  }
  std::string quoted() {
    std::string out;
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      if (rest_.front() != '\r' && rest_.front() != '\n') out += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    return out;
  }

  std::string_view rest_;
};

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= ' ' && byte < 0x7f && c != '=') || c == '\t';
}

}  // namespace

bool SevenBit::feed(std::string_view chunk, std::string& out) {
  while (!chunk.empty() && !failed_) {
    const auto line_feed = chunk.find('\n');
    const bool whole = line_feed != std::string_view::npos;
    const std::size_t wanted = whole ? line_feed + 1 : chunk.size();
    const std::size_t count = std::min(wanted, kPieceBytes - partial_.size());
    const bool ends_line = whole && count == wanted;
    if (ends_line && partial_.empty()) {
      take(chunk.substr(0, count), true, out);
    } else {
      partial_.append(chunk.substr(0, count));
      if (ends_line || partial_.size() == kPieceBytes) {
        // A CR at the cut may belong to the line end.
        const bool held = !ends_line && partial_.back() == '\r';
        const std::string piece = std::exchange(partial_, held ? "\r" : "");
        take(std::string_view(piece).substr(0, piece.size() - (held ? 1 : 0)), ends_line, out);
      }
    }
    chunk.remove_prefix(count);
  }
  return !failed_;
}

bool SevenBit::finish(std::string& out) {
  if (!partial_.empty() && !failed_) take(std::exchange(partial_, {}), false, out);
  if (section_ == Section::header && !failed_) end_header(false, out);
  return !failed_;
}

void SevenBit::take(std::string_view bytes, bool ends_line, std::string& out) {
  if (ends_line) {
    bytes.remove_suffix(1);
    if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  }
  const Piece piece{bytes, std::exchange(line_begins_, ends_line), ends_line};
  if (section_ == Section::header) {
    header_piece(piece, out);
  } else {
    body_piece(piece, out);
  }
}

void SevenBit::pass(const Piece& piece, std::string& out) {
  out += piece.text;
  if (piece.ends_line) out += kLineEnd;
  open_line_ = !piece.ends_line;
}

void SevenBit::header_piece(const Piece& piece, std::string& out) {
  const bool continues = !piece.begins_line || piece.text.starts_with(' ') || piece.text.starts_with('\t');
  if (continues && field_.empty()) {
    pass(piece, out);
    return;
  }
  if (continues) {
    pass(piece, field_);
    if (field_.size() >= kFieldLimit) end_field(out);
    return;
  }
  end_field(out);
  if (piece.text.empty() && piece.ends_line) {
    end_header(true, out);
    return;
  }
  const auto name = field_name(piece.text);
  if (name.empty() || find_boundary(piece.text)) {  // no field: the body begins here, without an empty line before it
    end_header(false, out);
    if (section_ == Section::header) {
      header_piece(piece, out);
    } else {
      body_piece(piece, out);
    }
    return;
  }
  pass(piece, iequals(name, kContentType) || iequals(name, kEncoding) ? field_ : out);
}

// A field about the content is complete. Its encoding is told anew at the end of the header.
void SevenBit::end_field(std::string& out) {
  if (field_.empty()) return;
  const std::string field = std::exchange(field_, {});
  const auto value = std::string_view(field).substr(field.find(':') + 1);
  if (iequals(field_name(field.substr(0, field.find('\n'))), kContentType)) {
    read_content_type(value);
  } else {
    const auto encoding = ValueReader(value).next();
    eight_bit_ = iequals(encoding, "8bit") || iequals(encoding, "binary");
    if (eight_bit_) return;
  }
  out += field;
}

void SevenBit::read_content_type(std::string_view value) {
  ValueReader reader(value);
  const auto type = to_lower(reader.next());
  const auto slash = reader.next();
  const auto subtype = to_lower(reader.next());
  if (slash != "/") return;
  kind_ = Kind::leaf;
  if (type == "message") kind_ = subtype == "rfc822" ? Kind::message : subtype == "global" ? Kind::leaf : Kind::opaque;
  is_digest_ = type == "multipart" && subtype == "digest";
  if (type != "multipart") return;
  for (auto token = reader.next(); !token.empty(); token = reader.next()) {
    if (!iequals(token, "boundary") || reader.next() != "=") continue;
    boundary_ = reader.next().substr(0, kBoundaryLimit);
    break;
  }
  if (!boundary_.empty()) kind_ = Kind::multipart;
}

void SevenBit::end_header(bool with_blank_line, std::string& out) {
  end_field(out);
  if (eight_bit_) {
    if (open_line_) out += kLineEnd;
    // RFC 2045 §6.4: only what is no container may be quoted-printable.
    const std::string_view now = kind_ == Kind::leaf ? "quoted-printable" : kind_ == Kind::opaque ? "8bit" : "7bit";
    out.append("Content-Transfer-Encoding: ").append(now).append(kLineEnd);
  }
  if (with_blank_line || eight_bit_) out += kLineEnd;
  open_line_ = false;
  section_ = Section::body;
  converting_ = eight_bit_ && kind_ == Kind::leaf;
  column_ = 0;
  if (kind_ == Kind::multipart) descend({std::exchange(boundary_, {}), is_digest_});
  if (kind_ == Kind::message) {
    descend({});
    begin_entity(false);
  }
}

void SevenBit::descend(Level level) {
  failed_ = failed_ || levels_.size() >= nesting_limit_;
  if (!failed_) levels_.push_back(std::move(level));
}

void SevenBit::begin_entity(bool in_digest) {
  section_ = Section::header;
  kind_ = in_digest ? Kind::message : Kind::leaf;
  eight_bit_ = is_digest_ = converting_ = false;
  boundary_.clear();
}

void SevenBit::body_piece(const Piece& piece, std::string& out) {
  const auto found = piece.begins_line ? find_boundary(piece.text) : std::nullopt;
  if (found) {
    pass(piece, out);
    cross(*found);
  } else if (converting_) {
    quote(piece, out);
  } else {
    pass(piece, out);
  }
}

// RFC 2046 §5.1.1: a line "--boundary" begins the next part of the innermost multipart that has this boundary,
// "--boundary--" ends that multipart.
std::optional<SevenBit::Boundary> SevenBit::find_boundary(std::string_view line) const {
  if (!line.starts_with("--")) return std::nullopt;
  line.remove_prefix(2);
  for (auto level = levels_.size(); level-- > 0;) {
    const auto& boundary = levels_[level].boundary;
    if (boundary.empty() || !line.starts_with(boundary)) continue;
    const auto rest = trim_right(line.substr(boundary.size()));
    if (rest.empty() || rest == "--") return Boundary{level, rest.empty()};
  }
  return std::nullopt;
}

void SevenBit::cross(const Boundary& boundary) {
  if (boundary.begins_part) {
    const bool in_digest = levels_[boundary.level].is_digest;
    levels_.resize(boundary.level + 1);
    begin_entity(in_digest);
  } else {
    levels_.resize(boundary.level);
    converting_ = false;
  }
}

void SevenBit::append_token(std::string_view token, std::string& out) {
  if (column_ + token.size() > kQuotedLine) {
    out.append("=").append(kLineEnd);
    column_ = 0;
  }
  out += token;
  column_ += token.size();
}

void SevenBit::quote(const Piece& piece, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t i = 0; i < piece.text.size(); ++i) {
    const char c = piece.text[i];
    const bool blank_at_end = (c == ' ' || c == '\t') && i + 1 == piece.text.size();
    if (is_plain(c) && !blank_at_end) {
      append_token({&c, 1}, out);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      const char token[3] = {'=', kHex[byte >> 4U], kHex[byte & 0xfU]};
      append_token({token, sizeof token}, out);
    }
  }
  open_line_ = !piece.ends_line;
  if (open_line_) return;
  out += kLineEnd;
  column_ = 0;
}

}  // namespace waypost::mail
