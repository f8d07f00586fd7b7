// bounce_template_file: any text is a set of templates or an error that names a line; headers are one line of ASCII.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "report/template.h"

namespace {

void check(const std::optional<waypost::report::Template>& one) {
  if (!one) return;
  for (const auto& header : {one->charset, one->from, one->subject, one->postmaster_subject}) {
    WAYPOST_ASSERT(
        std::ranges::none_of(header, [](char c) { return c == '\n' || static_cast<unsigned char>(c) > 0x7f; }));
  }
  WAYPOST_ASSERT(one->text.empty() || one->text.ends_with('\n'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = waypost::report::parse_templates(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!read) {
    WAYPOST_ASSERT(!read.error().text.empty());
    return 0;
  }
  check(read->failure);
  check(read->delay);
  check(read->success);
  return 0;
}
