// Mail addresses in the two forms they have here. Internal: what the envelope holds, local part without quotes, no
// angle brackets, "" is the null address. External: what stands on the wire and in headers, the local part quoted where
// RFC 5321 §4.1.2 needs it. The domain begins behind the last '@' of the internal form; an address without '@' has
// none.
//
// Parsing is as lenient as Postfix: clients that send "MAIL FROM: user@example.com" or a whole RFC 822 mailbox are
// understood unless `strict` is asked for. Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace waypost::mail {

inline constexpr std::size_t kMaxAddressBytes = 1024;  // RFC 5321 §4.5.3.1.3 asks for 256; longer ones do occur
inline constexpr std::size_t kMaxDomainBytes = 255;    // RFC 5321 §4.5.3.1.2
inline constexpr std::size_t kMaxLabelBytes = 63;      // RFC 1035 §2.3.4
inline constexpr int kMaxCommentDepth = 20;

struct PathOptions {
  bool allow_null = false;      // "<>", as in MAIL FROM
  bool strict = false;          // strict_rfc821_envelopes: brackets, no blanks, comments or display names
  bool utf8_domain = false;     // RFC 6531: the domain may hold UTF-8
  bool numeric_domain = false;  // resolve_numeric_domain: user@192.0.2.1 without brackets
  bool min_user = false;        // allow_min_user: a local part that begins with '-'
};

// The path of MAIL FROM or RCPT TO, or an address as people write it, to internal form. A source route ("@a,@b:") is
// dropped, RFC 5321 §4.1.2. nullopt: no single usable address, or one above the limits.
std::optional<std::string> parse_path(std::string_view path, PathOptions options = {});

// An addr-spec in external form, as in headers and tables.
std::optional<std::string> to_internal(std::string_view external);
std::string to_external(std::string_view internal);

// Of the internal form. local_part is everything when there is no '@'; domain_of is then empty.
std::string_view local_part(std::string_view address);
std::string_view domain_of(std::string_view address);

// RFC 5321 §4.1.2: the local part is no Dot-string. Bytes above 127 need none.
bool needs_quotes(std::string_view local);

// A host name (letters, digits, '-', '_'; not only digits and dots) or an address literal in brackets.
bool is_valid_domain(std::string_view domain, const PathOptions& options = {});

}  // namespace waypost::mail
