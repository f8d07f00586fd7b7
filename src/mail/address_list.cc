#include "mail/address_list.h"

#include "base/text.h"

namespace waypost::mail {
namespace {

// Collects one member of the list at a time: text outside angle brackets is an address only if no brackets follow.
class Collector {
 public:
  explicit Collector(std::vector<std::string>& out) : out_(out) {}

  void plain(char c) { (in_angle_ ? angle_ : bare_) += c; }
  void blank() {
    if (!in_angle_ && !bare_.empty()) bare_ += ' ';
  }
  void open_angle() {
    in_angle_ = true;
    angle_.clear();
  }
  void close_angle() {
    if (in_angle_) had_angle_ = true;
    in_angle_ = false;
  }
  // "Friends: a, b;" - what stands before the colon is a group's name.
  void group_name() { bare_.clear(); }
  bool in_angle() const { return in_angle_; }

  void end_member() {
    std::string_view address = had_angle_ ? std::string_view(angle_) : trim(bare_);
    if (had_angle_ && address.starts_with('@')) {  // source route: "@a,@b:user@c"
      const auto colon = address.find(':');
      address = colon == std::string_view::npos ? std::string_view() : address.substr(colon + 1);
    }
    // A bare member with blanks inside is a display name without an address.
    if (!address.empty() && address.find(' ') == std::string_view::npos) out_.emplace_back(address);
    bare_.clear();
    angle_.clear();
    in_angle_ = had_angle_ = false;
  }

 private:
  std::vector<std::string>& out_;
  std::string bare_, angle_;
  bool in_angle_ = false, had_angle_ = false;
};

// Index just behind the comment that begins at `i`; comments nest.
std::size_t skip_comment(std::string_view text, std::size_t i) {
  int depth = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')' && --depth == 0) {
      return i + 1;
    }
  }
  return text.size();
}

// Index just behind the quoted string that begins at `i`.
std::size_t skip_quoted(std::string_view text, std::size_t i) {
  for (++i; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

}  // namespace

std::vector<std::string> addresses_in(std::string_view text) {
  std::vector<std::string> out;
  Collector collector(out);
  for (std::size_t i = 0; i < text.size() && out.size() < kMaxListedAddresses;) {
    const char c = text[i];
    if (c == '(') {
      i = skip_comment(text, i);
      continue;
    }
    if (c == '"') {
      const std::size_t end = skip_quoted(text, i);
      for (; i < end; ++i) collector.plain(text[i]);
      continue;
    }
    ++i;
    if (is_space(c)) {
      collector.blank();
    } else if (c == '<') {
      collector.open_angle();
    } else if (c == '>') {
      collector.close_angle();
    } else if ((c == ',' && !collector.in_angle()) || c == ';') {
      collector.end_member();
    } else if (c == ':' && !collector.in_angle()) {
      collector.group_name();
    } else {
      collector.plain(c);
    }
  }
  if (out.size() < kMaxListedAddresses) collector.end_member();
  return out;
}

}  // namespace waypost::mail
