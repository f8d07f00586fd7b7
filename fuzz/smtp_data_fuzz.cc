// Content: cut in any way it decodes to the same; what comes out is canonical; what the encoder writes decodes to
// itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "smtp/data_decoder.h"
#include "smtp/dot_encoder.h"

namespace {

using namespace waypost::smtp;

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view wire, std::size_t cut, BareNewline policy) {
  DataDecoder decoder(policy);
  Decoded out;
  while (!wire.empty() && !out.done) {
    const std::string chunk(wire.substr(0, cut));
    wire.remove_prefix(chunk.size());
    std::string_view in = chunk;
    while (!in.empty() && !out.done) {
      const auto step = decoder.next(in);
      WAYPOST_ASSERT(step.consumed > 0 || !step.piece.empty());
      out.content += step.piece;
      out.consumed += step.consumed;
      out.done = step.done;
      in.remove_prefix(step.consumed);
    }
  }
  return out;
}

void check_canonical(std::string_view content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\n') WAYPOST_ASSERT(i > 0 && content[i - 1] == '\r');
    if (content[i] == '\r') WAYPOST_ASSERT(i + 1 == content.size() || content[i + 1] == '\n');
  }
}

void check_round_trip(std::string content, std::size_t cut) {
  if (!content.ends_with("\r\n")) content += content.ends_with('\r') ? "\n" : "\r\n";
  DotEncoder encoder;
  std::string wire;
  for (std::string_view rest = content; !rest.empty(); rest.remove_prefix(std::min(cut, rest.size()))) {
    encoder.encode(rest.substr(0, cut), wire);
  }
  encoder.finish(wire);
  if (is_transparent(content)) WAYPOST_ASSERT(content + std::string(end_of_data(content)) == wire);
  const Decoded back = decode(wire, wire.size(), BareNewline::normalize);
  WAYPOST_ASSERT(back.done && back.consumed == wire.size() && back.content == content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto policy = static_cast<BareNewline>(data[0] % 4);
  const std::size_t cut = 1 + data[1] % 97;
  const std::string_view wire(reinterpret_cast<const char*>(data + 2), size - 2);
  const Decoded whole = decode(wire, std::max<std::size_t>(1, wire.size()), policy);
  WAYPOST_ASSERT(whole == decode(wire, cut, policy));
  check_canonical(whole.content);
  if (policy != BareNewline::no && whole.done) {
    const auto end = wire.substr(0, whole.consumed);
    WAYPOST_ASSERT(end == ".\r\n" || end.ends_with("\r\n.\r\n"));
  }
  check_round_trip(whole.content, cut);
  return 0;
}
