// Command lines and ESMTP parameters: whatever comes, words are views into the line and what is accepted holds its
// limits.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "smtp/command.h"
#include "smtp/esmtp_parameters.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace waypost::smtp;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const Command command = parse_command(line);
  for (std::size_t i = 0; i < command.count; ++i) {
    const auto word = command.words[i];
    WAYPOST_ASSERT(!word.empty() && word.data() >= line.data() && word.data() + word.size() <= line.data() + size);
  }
  WAYPOST_ASSERT(command.joined(0).size() <= size + kMaxCommandWords);  // "FROM:<a>" is two words
  const ParameterSupport all{.dsn = true, .smtputf8 = true};
  if (const auto mail = parse_mail_parameters(command, 3, all)) WAYPOST_ASSERT(mail->envid.size() <= kMaxEnvidBytes);
  if (const auto rcpt = parse_rcpt_parameters(command, 3, all)) WAYPOST_ASSERT(rcpt->orcpt.size() <= kMaxOrcptBytes);
  if (const auto text = decode_xtext(line)) WAYPOST_ASSERT(decode_xtext(encode_xtext(*text)) == text);
  return 0;
}
