// A query template, a key and a value, separated by NUL bytes. With quoting that doubles quotes, what a key adds inside
// of '' can never end the string: the number of quotes that are not doubled stays that of the template.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "tables/key_template.h"

namespace {

using waypost::tables::KeyTemplate;

void doubled_quotes(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '\'') out += c;
    out += c;
  }
}

// Whether the quote at the end of `text` is open.
bool is_open(std::string_view text) {
  bool open = false;
  for (const char c : text) open = open != (c == '\'');
  return open;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = text.find('\0');
  if (first == std::string_view::npos) return 0;
  const auto second = text.find('\0', first + 1);
  const auto key = text.substr(first + 1, second == std::string_view::npos ? second : second - first - 1);
  const auto value = second == std::string_view::npos ? std::string_view() : text.substr(second + 1);
  if (const auto query = KeyTemplate::parse(text.substr(0, first), KeyTemplate::Use::query)) {
    if (query->key_needs().met_by(key)) {
      const auto plain = query->expand_query("x@a.b.c.d.e.f.g.h.i.j", doubled_quotes);
      WAYPOST_ASSERT(is_open(query->expand_query(key, doubled_quotes)) == is_open(plain));
    }
  }
  if (const auto result = KeyTemplate::parse(text.substr(0, first), KeyTemplate::Use::result)) {
    if (result->key_needs().met_by(key)) static_cast<void>(result->expand_result(value, key));
  }
  static_cast<void>(waypost::tables::unquoted_expansions(text));
  return 0;
}
