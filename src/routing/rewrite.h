// Trivial rewriting: what makes an address complete before anything looks at its domain (Postfix's rewrite service).
//
// Addresses are in internal form (see mail/envelope.h). A local part that would need quotes on the wire hides its '!'
// and '%' from rewriting, as it does in Postfix. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace waypost::routing {

struct RewriteSettings {
  std::string myorigin;
  std::string mydomain;
  bool append_at_myorigin = true;
  bool append_dot_mydomain = true;
  bool swap_bangpath = true;       // host!user -> user@host
  bool allow_percent_hack = true;  // user%host -> user@host
};

// "" stays "" (the null address), a lone "@" becomes "". Applying it twice changes nothing more, but for
// "user@host.", whose dot keeps mydomain away and goes.
std::string rewrite(std::string_view address, const RewriteSettings& settings);

// "user@example.com." -> "user@example.com". Leaves "user@." and "user@example.." alone: the error that follows shows
// what was said.
std::string without_trailing_dot(std::string address);

}  // namespace waypost::routing
