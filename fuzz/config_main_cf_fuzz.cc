// main.cf from hostile hands: parsing, expansion of everything it sets, and all checks end in bounded time and memory.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "config/check.h"
#include "config/load.h"
#include "config/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace waypost;
  const std::string text(reinterpret_cast<const char*>(data), size);
  config::Findings findings;
  config::Configuration configuration;
  configuration.directory = "/etc/postfix";
  configuration.main = config::parse_main_cf(text, "main.cf", findings);
  configuration.machine.host_name = "host";
  const auto view = configuration.view();
  config::Reader reader(view, findings);
  constexpr int kMaxRead = 20;
  int read = 0;
  for (const auto& [name, setting] : configuration.main.settings()) {
    WAYPOST_ASSERT(!name.empty() && setting.line > 0);
    WAYPOST_ASSERT(name.find_first_of(" \t=") == std::string::npos);
    if (++read > kMaxRead) break;
    reader.list(name);
    reader.duration(name);
    reader.number(name);
  }
  reader.text("mynetworks");
  config::check(configuration);
  for (const auto& finding : findings) config::describe(finding);
  return 0;
}
