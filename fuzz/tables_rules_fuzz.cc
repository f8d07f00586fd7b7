// regexp: tables, and with them the rules of pcre: tables: first line the key, the rest the rules. Texts are kept
// short, since the C library's expressions have no limit on what they cost, and repetition counts ("{9999}") out of
// them for the same reason.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "tables/inline_rules.h"
#include "tables/pattern_rules.h"

namespace {

constexpr std::size_t kMaxRegexpText = 200;
constexpr std::ptrdiff_t kMaxPlus = 6;

// Repetition counts, back-references and nested '+' make an expression of the C library explode.
bool is_explosive(std::string_view text) {
  if (std::ranges::count(text, '+') > kMaxPlus) return true;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if ((text[i] == '{' || text[i] == '\\') && text[i + 1] >= '0' && text[i + 1] <= '9') return true;
    if (text[i] == '{' && text[i + 1] == ',') return true;
  }
  return text.size() > kMaxRegexpText;
}

void run(const waypost::tables::Dialect& dialect, std::string_view text, std::string_view key) {
  using namespace waypost;
  static NullLog sink;
  std::vector<std::string> warnings;
  const auto rules = tables::PatternRules::parse(dialect, text, "/f", Log(sink, "fuzz", 0), warnings);
  WAYPOST_ASSERT(rules.size() <= text.size());
  for (const std::string_view subject : {key, std::string_view("Subject: hello"), std::string_view()}) {
    const auto found = rules.find(subject);
    if (!found) WAYPOST_ASSERT(!found.error().text.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace waypost::tables;
  const std::string text(data, data + size);
  const auto end = std::min(text.find('\n'), text.size());
  const std::string_view key = std::string_view(text).substr(0, end);
  const std::string_view rules = std::string_view(text).substr(std::min(end + 1, text.size()));
  if (!is_explosive(rules)) run(kRegexpDialect, rules, key.substr(0, kMaxRegexpText));
  if (const auto inside = inline_rules("regexp", rules)) WAYPOST_ASSERT(inside->size() <= rules.size());
  return 0;
}
