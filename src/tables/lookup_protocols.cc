#include "tables/lookup_protocols.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kShown = 100;  // bytes of a bad reply that a message repeats
constexpr auto kNone = std::string_view::npos;

using Kind = ServerAnswer::Kind;

Parsed answer(Kind kind, std::string_view text) { return ServerAnswer{kind, std::string(text)}; }

std::unexpected<Error> malformed(std::string_view what, std::string_view received) {
  return fail(Errc::corrupt, fmt::format("{}: {}", what, printable(received.substr(0, kShown))));
}

std::optional<char> unhex(std::string_view two) {
  const auto value = two.size() == 2 ? parse_hex(two) : std::nullopt;
  if (!value) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(*value));
}

}  // namespace

namespace tcp {
namespace {

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = unhex(text.substr(i + 1, 2));
    if (!byte) return std::nullopt;
    out += *byte;
    i += 2;
  }
  return out;
}

}  // namespace

std::string request(std::string_view key) {
  std::string line = "get ";
  for (const char c : key) {
    if (c > ' ' && c <= '~' && c != '%') {
      line += c;
    } else {
      line += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return line + "\n";
}

Parsed parse(std::string_view received) {
  const auto end = received.find('\n');
  if (end == kNone && received.size() < kMaxReply) return std::nullopt;
  if (end == kNone || end >= kMaxReply) {
    return fail(Errc::corrupt, fmt::format("text longer than {}", kMaxReply));
  }
  if (end + 1 != received.size()) return malformed("more than one reply", received);
  const auto line = received.substr(0, end);
  const bool has_code = line.size() >= 4 && is_digit(line[0]) && is_digit(line[1]) && is_digit(line[2]);
  if (!has_code || !is_space(line[3])) return malformed("malformed reply", line);
  const auto text = decode(line.substr(4));
  if (!text) return malformed("malformed reply", line);
  switch (line[0]) {
    case '2':
      return answer(Kind::found, *text);
    case '4':
      return answer(Kind::failed, *text);
    case '5':
      return answer(Kind::not_found, *text);
    default:
      return malformed("bad status code", line);
  }
}

}  // namespace tcp

namespace socketmap {

std::string request(std::string_view map_name, std::string_view key) {
  return fmt::format("{}:{} {},", map_name.size() + 1 + key.size(), map_name, key);
}

Parsed parse(std::string_view received, std::size_t max_reply) {
  constexpr std::size_t kMaxDigits = 9;
  const auto colon = received.find(':');
  const auto digits = received.substr(0, colon);
  const auto length = parse_number(digits);
  if (!digits.empty() && (!length || digits.size() > kMaxDigits)) return malformed("input format error", received);
  if (colon == kNone) return std::nullopt;
  if (!length) return malformed("input format error", received);
  if (*length > max_reply) return fail(Errc::corrupt, "input exceeds size limit");
  const auto rest = received.substr(colon + 1);
  if (rest.size() <= *length) return std::nullopt;
  if (rest[*length] != ',' || rest.size() != *length + 1) return malformed("input format error", received);
  const auto reply = rest.substr(0, *length);
  const auto blank = reply.find(' ');
  const auto status = reply.substr(0, blank);
  const auto text = blank == kNone ? std::string_view() : reply.substr(blank + 1);
  if (status == "OK") return answer(Kind::found, text);
  if (status == "NOTFOUND") return answer(Kind::not_found, text);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kFailures = {
      {{"TEMP", "temporary"}, {"TIMEOUT", "timeout"}, {"PERM", "permanent"}}};
  std::string_view error_class = "unknown";
  for (const auto& [word, name] : kFailures) {
    if (status == word) error_class = name;
  }
  const auto reason = printable(trim_left(text), 200);
  return answer(Kind::failed, fmt::format("{} error{}{}", error_class, reason.empty() ? "" : ": ", reason));
}

}  // namespace socketmap

namespace memcache {
namespace {

constexpr std::string_view kEnd = "END";

// A line without its end, and how much it took with it; nullopt: not all of it is there.
struct Line {
  std::string_view text;
  std::size_t taken = 0;
};

Result<std::optional<Line>> first_line(std::string_view received, std::size_t limit) {
  const auto end = received.find('\n');
  if (end == kNone ? received.size() > limit : end > limit) return malformed("reply line too long", received);
  if (end == kNone) return std::nullopt;
  auto text = received.substr(0, end);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return Line{text, end + 1};
}

// "VALUE KEY FLAGS BYTES" -> BYTES.
std::optional<std::size_t> data_length(std::string_view line) {
  const auto words = split(line, " ");
  if (words.size() < 4 || words[0] != "VALUE") return std::nullopt;
  const auto length = parse_number(words[3], SIZE_MAX / 2);
  return length ? std::optional<std::size_t>(*length) : std::nullopt;
}

}  // namespace

bool is_key(std::string_view key) {
  constexpr char kDelete = 127;
  if (key.empty()) return false;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || c == kDelete) return false;
  }
  return true;
}

std::string get(std::string_view key) { return fmt::format("get {}\r\n", key); }

std::string set(std::string_view key, std::uint32_t flags, std::int64_t ttl_s, std::string_view value) {
  return fmt::format("set {} {} {} {}\r\n{}\r\n", key, flags, ttl_s, value.size(), value);
}

Parsed parse_get(std::string_view received, const Limits& limits) {
  const auto head = first_line(received, limits.line);
  if (!head) return std::unexpected(head.error());
  if (!*head) return std::nullopt;
  const auto& [text, taken] = **head;
  if (text == kEnd) {
    if (taken != received.size()) return malformed("unexpected memcache server reply", received.substr(taken));
    return answer(Kind::not_found, "");
  }
  const auto length = data_length(text);
  if (!length || *length > limits.data) return malformed("unexpected memcache server reply", text);
  constexpr std::string_view kTail = "\r\nEND\r\n";
  const auto rest = received.substr(taken);
  const auto tail = rest.substr(std::min(*length, rest.size()));
  if (tail != kTail.substr(0, tail.size())) return malformed("unexpected memcache server reply", text);
  if (tail.size() < kTail.size()) return std::nullopt;
  return answer(Kind::found, rest.substr(0, *length));
}

Parsed parse_set(std::string_view received, const Limits& limits) {
  const auto head = first_line(received, limits.line);
  if (!head) return std::unexpected(head.error());
  if (!*head) return std::nullopt;
  if ((*head)->taken != received.size()) return malformed("unexpected memcache server reply", received);
  if ((*head)->text == "STORED") return answer(Kind::found, "");
  return answer(Kind::failed, printable((*head)->text, kShown));
}

}  // namespace memcache

}  // namespace waypost::tables
