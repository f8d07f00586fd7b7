// One command line, taken apart as Postfix does it: words at blanks, but "<...>" and "..." hold together with what is
// in them, and "FROM:" and "TO:" end a word by themselves. Every word is a view into the line: nothing is allocated.
// Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace waypost::smtp {

// In the order of the disconnect line.
enum class Verb : std::uint8_t {
  helo,
  ehlo,
  xclient,
  xforward,
  starttls,
  auth,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  etrn,
  quit,
  help,
  unknown,
};
inline constexpr std::size_t kVerbs = 17;

// "MAIL", "RCPT", ..., "UNKNOWN": as in the log.
std::string_view verb_name(Verb verb);
Verb find_verb(std::string_view word);

// Words beyond this stay together in the last one.
inline constexpr std::size_t kMaxCommandWords = 32;

struct Command {
  Verb verb = Verb::unknown;
  std::size_t count = 0;  // words, the verb included; 0: the line holds none
  std::array<std::string_view, kMaxCommandWords> words;
  std::size_t unbalanced = kMaxCommandWords;  // index of the word whose '<' or '"' is not closed

  std::string_view word(std::size_t index) const { return index < count ? words[index] : std::string_view{}; }
  // Words from `first` on, joined by single blanks, as HELO and VRFY take their argument.
  std::string joined(std::size_t first) const;
};

Command parse_command(std::string_view line);

// "Subject:" instead of a verb: the client is not in the dialogue that it thinks (RFC 5322 §2.2 field name).
bool looks_like_header(std::string_view word);

}  // namespace waypost::smtp
