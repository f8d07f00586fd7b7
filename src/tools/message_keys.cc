#include "tools/message_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace waypost::tools {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// The length of a field's name when the line starts with one ("Name:" or the older "Name :"); else 0.
std::size_t field_name_length(std::string_view line) {
  std::size_t length = 0;
  while (length < line.size() && line[length] != ':' && !is_blank(line[length])) {
    const auto c = static_cast<unsigned char>(line[length]);
    if (c >= 0x80 || is_control(line[length])) return 0;
    ++length;
  }
  std::size_t at = length;
  while (at < line.size() && is_blank(line[at])) ++at;
  return at < line.size() && line[at] == ':' ? length : 0;
}

// The words and separators of a parameterised field (RFC 2045 §5.1), one item between semicolons at a time.
class ItemReader {
 public:
  explicit ItemReader(std::string_view text) : rest_(text) {}

  // The first three tokens of the next item; nullopt at the end.
  std::optional<std::vector<std::string>> next() {
    if (rest_.empty()) return std::nullopt;
    std::vector<std::string> tokens;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == ';') {
        rest_.remove_prefix(1);
        return tokens;
      }
      if (is_space(c)) {
        rest_.remove_prefix(1);
      } else if (c == '(') {
        skip_comment();
      } else {
        auto token = take_token();
        if (tokens.size() < kWanted) tokens.push_back(std::move(token));
      }
    }
    if (tokens.empty()) return std::nullopt;
    return tokens;
  }

 private:
  static constexpr std::size_t kWanted = 3;
  static constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";

  std::string take_token() {
    if (rest_.front() == '"') return take_quoted();
    std::size_t end = 0;
    while (end < rest_.size() && !is_space(rest_[end]) && !is_control(rest_[end]) && !kSpecials.contains(rest_[end])) {
      ++end;
    }
    end = std::max<std::size_t>(end, 1);
    std::string token(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return token;
  }

  std::string take_quoted() {
    std::string token;
    rest_.remove_prefix(1);
    for (; !rest_.empty() && rest_.front() != '"'; rest_.remove_prefix(1)) {
      if (rest_.front() == '\n') {
        token = trim_right(token);
        continue;
      }
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      token += rest_.front();
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    return token;
  }

  void skip_comment() {
    std::size_t depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(c == '\\' && rest_.size() > 1 ? 2 : 1);
      if (c == '(') ++depth;
      if (c == ')' && --depth == 0) return;
    }
  }

  std::string_view rest_;
};

bool has_subtype(const std::vector<std::string>& tokens, std::string_view subtype) {
  return tokens.size() == 3 && tokens[1] == "/" && iequals(tokens[2], subtype);
}

}  // namespace

bool MessageKeys::feed(std::string_view line) {
  if (state_ == State::headers && take_header_line(line)) return true;
  if (state_ == State::headers) {
    const bool was_primary = std::exchange(is_primary_, false);
    if (was_primary && !options_.body && !options_.mime) return false;
    end_headers(line);
    if (was_primary && state_ == State::body && !line.empty() && options_.body) on_key_("");
    if (state_ == State::headers) {
      // The empty line before an attached message's header section is body text all the same.
      if (options_.body) on_key_(std::string(line));
      return true;
    }
  }
  take_body_line(line);
  return true;
}

void MessageKeys::finish() {
  if (state_ == State::headers) end_field();
}

// True when the line belongs to the header section.
bool MessageKeys::take_header_line(std::string_view line) {
  if (!field_.empty() && !line.empty() && is_blank(line.front())) {
    if (field_.size() < kHeaderSizeLimit) field_.append("\n").append(line);
    return true;
  }
  end_field();
  const std::size_t name_length = field_name_length(line);
  if (name_length == 0) return false;
  field_ = line.substr(0, name_length);
  field_ += line.substr(line.find(':', name_length));
  return true;
}

void MessageKeys::end_field() {
  if (field_.empty()) return;
  constexpr std::string_view kContentType = "content-type:";
  if (options_.mime && istarts_with(field_, kContentType)) {
    note_content_type(std::string_view(field_).substr(kContentType.size()));
  }
  if (options_.headers) on_key_(field_);
  field_.clear();
}

void MessageKeys::note_content_type(std::string_view value) {
  ItemReader items(value);
  const auto type = items.next();
  if (!type || type->empty()) return;
  if (iequals(type->front(), "message")) {
    const bool has_headers = has_subtype(*type, "rfc822") || has_subtype(*type, "global");
    content_ = has_headers ? Content::message : Content::other;
    return;
  }
  if (!iequals(type->front(), "multipart")) {
    content_ = Content::other;
    return;
  }
  content_ = Content::multipart;
  const Content default_content = has_subtype(*type, "digest") ? Content::message : Content::other;
  // All boundaries that are given: which of them a reader takes for real is not known.
  while (const auto item = items.next()) {
    const bool is_boundary = item->size() == 3 && iequals(item->front(), "boundary") && (*item)[1] == "=";
    if (!is_boundary || boundaries_.size() > kNestingLimit) continue;
    boundaries_.push_back({(*item)[2].substr(0, kBoundaryLengthLimit), default_content});
  }
}

// The line ends a header section: the empty one in order, any other by breaking it off.
void MessageKeys::end_headers(std::string_view line) {
  if (line.empty() && content_ == Content::message) return start_headers(Content::other);
  if (line.empty() && content_ == Content::multipart) content_ = Content::other;
  state_ = State::body;
}

void MessageKeys::start_headers(Content content) {
  state_ = State::headers;
  content_ = content;
}

void MessageKeys::take_body_line(std::string_view line) {
  if (line.size() > 2 && line.starts_with("--")) {
    const auto rest = line.substr(2);
    const auto found = std::ranges::find_if(boundaries_.rbegin(), boundaries_.rend(),
                                            [&](const Boundary& b) { return rest.starts_with(b.text); });
    if (found != boundaries_.rend()) {
      boundaries_.erase(found.base(), boundaries_.end());
      const Boundary& boundary = boundaries_.back();
      if (rest.substr(boundary.text.size()).starts_with("--")) {
        boundaries_.pop_back();
        content_ = Content::other;
      } else {
        start_headers(boundary.default_content);
      }
    }
  }
  if (options_.body) on_key_(std::string(line));
}

}  // namespace waypost::tools
