#include "smtp/reply.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::smtp {
namespace {

bool is_status_code(std::string_view text) {
  if (text.size() < 5 || text[1] != '.' || (text[0] != '2' && text[0] != '4' && text[0] != '5')) return false;
  const auto dot = text.find('.', 2);
  if (dot == std::string_view::npos) return false;
  const auto subject = text.substr(2, dot - 2);
  const auto detail = text.substr(dot + 1);
  return parse_number(subject, 999).has_value() && parse_number(detail, 999).has_value();
}

void append_clean(std::string& out, std::string_view text) {
  const std::size_t from = out.size();
  out.append(text);
  for (std::size_t i = from; i < out.size(); ++i) {
    if (static_cast<unsigned char>(out[i]) < ' ' || out[i] == '\x7f') out[i] = '?';
  }
}

void append_line(std::string& out, const Reply& reply, char separator, std::string_view text) {
  const std::size_t start = out.size();
  fmt::format_to(std::back_inserter(out), "{:03}{}", reply.code, separator);
  if (!reply.dsn.empty()) {
    append_clean(out, reply.dsn);
    out += ' ';
  }
  append_clean(out, text);
  constexpr std::size_t kLineEnd = 2;
  out.resize(std::min(out.size(), start + kMaxReplyLineBytes - kLineEnd));
  out += "\r\n";
}

}  // namespace

std::string to_string(const Reply& reply) {
  std::string out = fmt::format("{:03} ", reply.code);
  if (!reply.dsn.empty()) out.append(reply.dsn).append(" ");
  out += reply.text;
  std::ranges::replace(out, '\n', ' ');
  return out;
}

Reply reply_from_text(std::string_view text) {
  Reply reply;
  reply.code = 0;
  text = trim(text);
  const auto code = parse_number(text.substr(0, 3));
  const bool code_ends = text.size() == 3 || (text.size() > 3 && is_space(text[3]));
  if (!code || !code_ends || *code < 200 || *code > 599) return reply;
  reply.code = static_cast<int>(*code);
  text = trim_left(text.substr(3));
  const auto word = text.substr(0, text.find(' '));
  if (is_status_code(word)) {
    reply.dsn = word;
    text = trim_left(text.substr(word.size()));
  }
  reply.text = text;
  return reply;
}

void append_wire(std::string& out, const Reply& reply) {
  std::string_view rest = reply.text;
  for (std::size_t lines = 1;; ++lines) {
    const auto end = rest.find('\n');
    const bool last = end == std::string_view::npos || lines == kMaxReplyLines;
    auto line = rest.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    append_line(out, reply, last ? ' ' : '-', line);
    if (last) return;
    rest.remove_prefix(end + 1);
  }
}

void append_wire_line(std::string& out, std::string_view line) { out.append(line).append("\r\n"); }

Reply soften(Reply reply) {
  if (reply.code < 500) return reply;
  reply.code -= 100;
  if (!reply.dsn.empty() && reply.dsn.front() == '5') reply.dsn.front() = '4';
  return reply;
}

}  // namespace waypost::smtp
