// A server's replies in any cut: the parser gives the same replies whether the bytes come at once or one by one, and
// holds its limits.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "smtp/client_features.h"
#include "smtp/reply_parser.h"

using namespace waypost::smtp;

namespace {

struct Seen {
  int code;
  std::string text;
  ServerReply::Malformed malformed;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> parse(std::string_view bytes, std::size_t step) {
  std::vector<Seen> seen;
  ReplyParser parser;
  while (!bytes.empty()) {
    auto part = bytes.substr(0, step);
    bytes.remove_prefix(part.size());
    while (parser.next(part)) {
      const auto& reply = parser.reply();
      WAYPOST_ASSERT(reply.text.size() <= kMaxServerReplyBytes);
      WAYPOST_ASSERT((reply.malformed == ServerReply::Malformed::no) == (reply.code != 0));
      seen.push_back({reply.code, reply.text, reply.malformed});
      if (reply.malformed != ServerReply::Malformed::no) return seen;
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = parse(bytes, bytes.size() + 1);
  // How an endless line is cut depends on the reads; short input has none.
  if (size < kMaxServerLineSkip) WAYPOST_ASSERT(whole == parse(bytes, 1));
  for (const auto& reply : whole) WAYPOST_ASSERT(parse_ehlo(reply.text).mechanisms.size() <= kMaxAuthMechanisms);
  return 0;
}
