// Enhanced status codes, RFC 3463: class "." subject "." detail, e.g. 5.1.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace waypost::mail {

struct EnhancedStatus {
  std::uint8_t klass = 0;                 // 2 success, 4 temporary, 5 permanent
  std::uint16_t subject = 0, detail = 0;  // 0..999 (RFC 3463 §2: up to three digits)

  bool operator==(const EnhancedStatus&) const = default;
  std::string text() const;
};

// The whole text must be a status code.
std::optional<EnhancedStatus> parse_status(std::string_view text);

// A status code at the start of `text`, followed by blanks or the end; what follows the blanks becomes `text`.
// nullopt leaves `text` alone.
std::optional<EnhancedStatus> take_status(std::string_view& text);

// The status for an SMTP reply. The reply code's class wins over the enhanced code's (servers do mix them up);
// without an enhanced code "X.0.0". Codes outside 200..599 give 5.5.0, a protocol error.
std::string status_for_reply(int reply_code, std::string_view enhanced);

// `status` with its class replaced; "X.0.0" when `status` is no status code.
std::string with_class(std::string_view status, std::uint8_t klass);

}  // namespace waypost::mail
