#include "smtp_source/message.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/text.h"

namespace waypost::bench {

namespace {

constexpr std::size_t kLine = 76;
constexpr std::string_view kEnd = ".\r\n";

// Lines of kLine characters from `next_char`, `size` bytes with their line ends; every eighth begins with a dot.
template <class NextChar>
std::string text_body(std::size_t size, NextChar next_char) {
  std::string out;
  out.reserve(size);
  for (std::size_t line = 0; out.size() + 2 <= size; ++line) {
    const std::size_t room = std::min(kLine, size - out.size() - 2);
    for (std::size_t i = 0; i < room; ++i) out += i == 0 && line % 8 == 1 ? '.' : next_char();
    out += "\r\n";
  }
  if (out.empty()) out = "\r\n";
  return out;
}

std::string dot_stuffed(std::string_view body) {
  std::string out;
  out.reserve(body.size() + body.size() / kLine);
  bool line_start = true;
  for (const char c : body) {
    if (line_start && c == '.') out += '.';
    out += c;
    line_start = c == '\n';
  }
  return out;
}

constexpr std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::string domain_name(const std::string& format, std::int64_t number) {
  const std::size_t at = format.find("%d");
  return at == std::string::npos ? format : std::string(format).replace(at, 2, std::to_string(number));
}

}  // namespace

MessageWriter::MessageWriter(const SourceOptions& options) : options_(options) {
  static constexpr std::string_view kFiller =
      "The quick brown fox jumps over the lazy dog; pack my box with jugs 0123456789 ";
  const std::size_t head = header(0, 0).size();
  std::size_t at = 0;
  shared_plain_ = text_body(std::max<std::size_t>(2, options.size_max > head ? options.size_max - head : 0),
                            [&at] { return kFiller[at++ % kFiller.size()]; });
  shared_wire_ = dot_stuffed(shared_plain_).append(kEnd);
}

std::vector<std::string> MessageWriter::recipients(std::int64_t seq) const {
  std::vector<std::string> out;
  for (int i = 0; i < options_.recipients; ++i) {
    const std::string user = i == 0 ? options_.user : options_.user + std::to_string(i);
    out.push_back(user + '@' + domain_name(options_.domain, (seq + i) % options_.domains));
  }
  return out;
}

std::string MessageWriter::header(std::int64_t seq, std::int64_t sent_ns) const {
  std::array<char, 128> number{};
  std::snprintf(number.data(), number.size(), "%s-%010lld", options_.run.c_str(), static_cast<long long>(seq));
  const std::string name = number.data();
  std::snprintf(number.data(), number.size(), "-%020lld", static_cast<long long>(sent_ns));
  std::string out = "Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nFrom: Load <" + options_.sender + ">\r\nTo: <";
  out += options_.user + '@' + domain_name(options_.domain, seq % options_.domains);
  out += ">\r\nSubject: load test message " + name + "\r\nMessage-ID: <" + name + '@' + options_.helo;
  out += ">\r\nX-Seq: " + name + number.data();
  out += "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  return out;
}

std::string MessageWriter::own_body(std::int64_t seq, std::size_t header_size) const {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+ ";
  std::uint64_t state = mix(static_cast<std::uint64_t>(seq) + 0x9e3779b97f4a7c15ULL);
  const std::size_t spread = options_.size_max - options_.size_min + 1;
  const std::size_t size = options_.size_min + static_cast<std::size_t>(state % spread);
  return text_body(size > header_size + 2 ? size - header_size : 2, [&state] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return kAlphabet[state >> 58];
  });
}

Message MessageWriter::wire(std::int64_t seq, std::int64_t sent_ns) const {
  Message message;
  message.head = header(seq, sent_ns);
  if (options_.unique_bodies) {
    message.head += dot_stuffed(own_body(seq, message.head.size())).append(kEnd);
  } else {
    message.tail = shared_wire_;
  }
  return message;
}

std::string MessageWriter::sha256(std::int64_t seq, std::int64_t sent_ns) const {
  const std::string head = header(seq, sent_ns);
  return options_.unique_bodies ? sha256_hex(head, own_body(seq, head.size())) : sha256_hex(head, shared_plain_);
}

}  // namespace waypost::bench
