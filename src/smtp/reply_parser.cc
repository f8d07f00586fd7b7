#include "smtp/reply_parser.h"

#include <algorithm>

#include "base/text.h"
#include "mail/dsn.h"

namespace waypost::smtp {
namespace {

constexpr std::size_t kCodeDigits = 3;

// The three digits, when what follows them may follow them; else 0.
int reply_code(std::string_view line) {
  if (line.size() < kCodeDigits || !std::ranges::all_of(line.substr(0, kCodeDigits), is_digit)) return 0;
  if (line.size() > kCodeDigits && line[kCodeDigits] != ' ' && line[kCodeDigits] != '-') return 0;
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  return code >= 200 && code <= 599 ? code : 0;
}

std::string_view without_cr(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool goes_on(std::string_view line) { return line.size() > kCodeDigits && line[kCodeDigits] == '-'; }

}  // namespace

std::string ServerReply::joined() const {
  std::string line = text;
  std::ranges::replace(line, '\n', ' ');
  return line;
}

void ReplyParser::reset() {
  partial_.clear();
  skipped_ = lines_ = 0;
  complete_ = false;
}

bool ReplyParser::next(std::string_view& in) {
  while (!in.empty()) {
    const auto newline = in.find('\n');
    const auto part = in.substr(0, newline);
    const bool whole = newline != std::string_view::npos;
    in.remove_prefix(whole ? newline + 1 : in.size());
    if (whole && partial_.empty()) {
      if (take_line(without_cr(part))) return true;
      continue;
    }
    const auto room = kMaxServerLineBytes - std::min(partial_.size(), kMaxServerLineBytes);
    partial_.append(part.substr(0, room));
    skipped_ += part.size() - std::min(part.size(), room);
    if (skipped_ > kMaxServerLineSkip) {
      append(partial_);
      return end(ServerReply::Malformed::endless_line);
    }
    if (!whole) return false;
    // a CR where a long line was cut is not the one at its end
    const bool complete = take_line(skipped_ > 0 ? std::string_view(partial_) : without_cr(partial_));
    partial_.clear();
    skipped_ = 0;
    if (complete) return true;
  }
  return false;
}

// One line without its end. True when the reply is complete.
bool ReplyParser::take_line(std::string_view line) {
  line = line.substr(0, kMaxServerLineBytes);
  append(line);
  const int code = reply_code(line);
  if (code == 0) return end(ServerReply::Malformed::not_a_reply);
  if (goes_on(line)) return lines_ >= kMaxServerReplyLines && end(ServerReply::Malformed::too_many_lines);
  finish(line, code);
  return true;
}

void ReplyParser::append(std::string_view line) {
  if (complete_ || lines_ == 0) {
    reply_.text.clear();
    complete_ = false;
    lines_ = 0;
  }
  ++lines_;
  if (reply_.text.size() + line.size() > kMaxServerReplyBytes) return;
  if (lines_ > 1) reply_.text += '\n';
  const auto from = reply_.text.size();
  reply_.text.append(line);
  for (auto i = from; i < reply_.text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(reply_.text[i]);
    if (byte < ' ' || byte >= 0x7f) reply_.text[i] = '?';
  }
}

bool ReplyParser::end(ServerReply::Malformed what) {
  reply_.code = 0;
  reply_.malformed = what;
  reply_.dsn = "5.5.0";
  reply_.dsn_given = false;
  complete_ = true;
  lines_ = 0;
  return true;
}

void ReplyParser::finish(std::string_view last_line, int code) {
  reply_.code = code;
  reply_.malformed = ServerReply::Malformed::no;
  reply_.dsn_given = false;
  complete_ = true;
  lines_ = 0;
  if (reply_.klass() == 3) {
    reply_.dsn = "5.5.0";  // what it means where no 3yz belongs
    return;
  }
  auto rest = trim_left(last_line.substr(std::min(last_line.size(), kCodeDigits)));
  const auto word = rest.substr(0, rest.find(' '));
  if (!word.empty() && word[0] == last_line[0] && mail::parse_status(word)) {
    reply_.dsn.assign(word);
    reply_.dsn_given = true;
  } else {
    reply_.dsn.assign("0.0.0");
    reply_.dsn[0] = last_line[0];
  }
}

}  // namespace waypost::smtp
