// Whatever decodes as an envelope or a delivery state must encode to the same bytes again.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "mail/envelope_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace waypost::mail;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto envelope = decode_envelope(bytes); envelope && encode(*envelope) != bytes) std::abort();
  if (const auto progress = decode_progress(bytes); progress && encode(*progress) != bytes) std::abort();
  return 0;
}
