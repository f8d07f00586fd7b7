// $-expansion and the small value grammars. The first line is expanded, each further "name=value" line defines a name.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "config/expand.h"
#include "config/parameter.h"
#include "config/table_name.h"
#include "config/values.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace waypost;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto take_line = [&] {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return line;
  };
  const std::string_view text = take_line();
  std::map<std::string, std::string, std::less<>> names;
  while (!rest.empty()) {
    const std::string_view line = take_line();
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) names.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  const auto value = config::expand(text, [&](std::string_view name) -> std::optional<std::string> {
    const auto found = names.find(name);
    return found == names.end() ? std::nullopt : std::optional(found->second);
  });
  if (value) {
    WAYPOST_ASSERT(value->size() <= config::kMaxExpandedBytes);
    for (const auto& word : config::split_list(*value)) WAYPOST_ASSERT(!word.empty());
    if (const auto table = config::parse_table_name(*value))
      WAYPOST_ASSERT(!table->type.empty() && !table->name.empty());
    config::parse_duration(*value);
    config::parse_integer(*value);
    config::parse_level(*value);
    config::braced(*value);
  } else {
    WAYPOST_ASSERT(!value.error().text.empty());
  }
  config::references(text);
  config::nearest_parameter(text);
  return 0;
}
