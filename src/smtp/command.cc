#include "smtp/command.h"

#include <algorithm>

#include "base/text.h"

namespace waypost::smtp {
namespace {

constexpr std::array<std::string_view, kVerbs> kNames = {"HELO", "EHLO", "XCLIENT", "XFORWARD", "STARTTLS", "AUTH",
                                                         "MAIL", "RCPT", "DATA",    "BDAT",     "RSET",     "NOOP",
                                                         "VRFY", "ETRN", "QUIT",    "HELP",     "UNKNOWN"};

constexpr std::size_t kMaxNesting = 64;

// The length of a bracketed or quoted part that begins `text`, its end mark included; with `closed` false, of all.
struct Quoted {
  std::size_t length;
  bool closed;
};

// `"` binds stronger than `<`; both nest. A backslash takes the next character along.
Quoted quoted_length(std::string_view text) {
  std::array<char, kMaxNesting> wanted{};
  std::size_t depth = 0;
  wanted[depth++] = text.front() == '<' ? '>' : '"';
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == wanted[depth - 1]) {
      if (--depth == 0) return {i + 1, true};
    } else if (c == '"' || (c == '<' && wanted[depth - 1] == '>')) {
      if (depth == kMaxNesting) break;
      wanted[depth++] = c == '<' ? '>' : '"';
    }
  }
  return {text.size(), false};
}

// Takes one word off `rest`, which does not begin with a blank.
std::string_view take_word(std::string_view& rest, bool& balanced) {
  std::size_t i = 0;
  while (i < rest.size() && !is_space(rest[i])) {
    const char c = rest[i];
    if (c == '<' || c == '"') {
      const Quoted part = quoted_length(rest.substr(i));
      balanced = balanced && part.closed;
      i += part.length;
      continue;
    }
    i += c == '\\' && i + 1 < rest.size() ? 2 : 1;
    if (c == ':' && (iequals(rest.substr(0, i), "from:") || iequals(rest.substr(0, i), "to:"))) break;
  }
  const auto word = rest.substr(0, i);
  rest.remove_prefix(i);
  return word;
}

}  // namespace

std::string_view verb_name(Verb verb) { return kNames[static_cast<std::size_t>(verb)]; }

Verb find_verb(std::string_view word) {
  for (std::size_t i = 0; i + 1 < kVerbs; ++i) {
    if (iequals(word, kNames[i])) return static_cast<Verb>(i);
  }
  return Verb::unknown;
}

std::string Command::joined(std::size_t first) const {
  std::string out;
  for (std::size_t i = first; i < count; ++i) {
    if (i > first) out += ' ';
    out += words[i];
  }
  return out;
}

Command parse_command(std::string_view line) {
  Command command;
  for (line = trim(line); !line.empty(); line = trim_left(line)) {
    if (command.count == kMaxCommandWords - 1) {
      command.words[command.count++] = line;
      break;
    }
    bool balanced = true;
    command.words[command.count] = take_word(line, balanced);
    if (!balanced) command.unbalanced = std::min(command.unbalanced, command.count);
    ++command.count;
  }
  command.verb = find_verb(command.word(0));
  return command;
}

bool looks_like_header(std::string_view word) {
  const auto colon = word.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  return std::ranges::all_of(word.substr(0, colon), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace waypost::smtp
