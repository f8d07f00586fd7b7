// Headers of messages: the scan must give the same answer however the content is cut, and stay inside it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "intake/header_fix.h"
#include "mail/address_list.h"
#include "mail/header_scan.h"

using waypost::mail::HeaderScan;

namespace {

HeaderScan scan_in_pieces(std::string_view text, std::size_t step) {
  HeaderScan scan;
  for (std::size_t i = 0; i < text.size(); i += step) scan.feed(text.substr(i, step));
  scan.finish();
  return scan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = 1 + data[0] % 64;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const HeaderScan whole = scan_in_pieces(text, text.size() + 1), pieces = scan_in_pieces(text, step);
  if (whole.body_offset() != pieces.body_offset() || whole.message_id() != pieces.message_id() ||
      whole.fields().size() != pieces.fields().size())
    std::abort();
  if (whole.body_offset() > text.size() || whole.fields_end() > whole.body_offset()) std::abort();
  for (const auto& field : whole.fields()) {
    if (std::size_t{field.offset} + field.length > text.size()) std::abort();
    waypost::mail::addresses_in(text.substr(field.offset, field.length));
  }
  std::string content(text);
  waypost::mail::Envelope envelope;
  envelope.sender = "a@example.com";
  waypost::intake::fix_headers(content, 0, whole, envelope, {.wanted = true, .full_name = "A"},
                               {.myhostname = "relay.example.com"});
  return 0;
}
