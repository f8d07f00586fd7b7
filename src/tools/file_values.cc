#include "tools/file_values.h"

#include <fmt/format.h>

#include "base/text.h"
#include "tables/file_io.h"

namespace waypost::tools {
namespace {

constexpr std::size_t kMaxContentBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxShown = 30;

}  // namespace

Result<std::string> read_named_files(std::string_view paths) {
  const auto words = split(paths, ", \t\r\n");
  if (words.empty()) return fail(Errc::invalid, fmt::format("empty pathname list: >>{}<<'", paths));
  std::string content;
  for (const auto word : words) {
    const std::string path(word);
    const auto text = tables::read_whole_file(path);
    if (!text) return fail(text.error().code, fmt::format("open {}: {}", path, text.error().text));
    if (text->size() > kMaxContentBytes - std::min(content.size(), kMaxContentBytes)) {
      return fail(Errc::invalid, fmt::format("file too large: {}", paths));
    }
    if (word.data() != words.front().data()) content += '\n';
    content += *text;
  }
  return content;
}

Result<std::string> decode_stored_file(std::string_view value) {
  auto content = base64_decode(value);
  if (!content) return fail(Errc::invalid, fmt::format("malformed BASE64 value: {}", value.substr(0, kMaxShown)));
  return std::move(*content);
}

}  // namespace waypost::tools
