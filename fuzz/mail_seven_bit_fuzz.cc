// Content on its way to a server that takes 7 bits only: however it is cut the result is the same, folding keeps lines
// within the limit, and neither grows without bound.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "mail/seven_bit.h"
#include "smtp/line_folder.h"

namespace {

constexpr std::size_t kNesting = 8, kLineLimit = 40;

struct Converted {
  bool fit = true;
  std::string text;
  bool operator==(const Converted&) const = default;
};

Converted convert(std::string_view content, std::size_t step) {
  waypost::mail::SevenBit converter(kNesting);
  Converted out;
  for (; out.fit && !content.empty(); content.remove_prefix(std::min(step, content.size()))) {
    out.fit = converter.feed(content.substr(0, step), out.text);
  }
  out.fit = out.fit && converter.finish(out.text);
  if (!out.fit) out.text.clear();
  return out;
}

std::string fold(std::string_view content, std::size_t step) {
  waypost::smtp::LineFolder folder(kLineLimit);
  std::string out;
  for (; !content.empty(); content.remove_prefix(std::min(step, content.size()))) {
    folder.fold(content.substr(0, step), out);
  }
  folder.finish(out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  const auto whole = convert(content, size + 1);
  WAYPOST_ASSERT(convert(content, 1) == whole);
  WAYPOST_ASSERT(convert(content, 7) == whole);
  constexpr std::size_t kGrowth = 8, kHeaders = 64;  // =XX and soft line ends; an encoding field for each part
  WAYPOST_ASSERT(whole.text.size() <= (size + 1) * (kGrowth + kHeaders));
  const auto folded = fold(content, size + 1);
  WAYPOST_ASSERT(fold(content, 1) == folded);
  WAYPOST_ASSERT(!waypost::smtp::has_long_line(folded, kLineLimit));
  if (!waypost::smtp::has_long_line(content, kLineLimit)) WAYPOST_ASSERT(folded == content);
  return 0;
}
