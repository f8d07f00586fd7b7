// A dropped file comes from any user of the host: parsing must hold, and what it accepts must encode again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "intake/drop_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto drop = waypost::intake::parse_drop(text);
  if (!drop) return 0;
  const auto again = waypost::intake::encode_drop(*drop);
  if (!again) return 0;  // a field with a NUL or a bare CR reads but is not written
  const auto parsed = waypost::intake::parse_drop(*again);
  if (!parsed || parsed->recipients != drop->recipients || parsed->content != drop->content) std::abort();
  return 0;
}
