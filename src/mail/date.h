// Dates as mail writes them.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace waypost::mail {

// RFC 5322 §3.3 with the zone's name as comment, in local time, as Postfix (3.9 and later: two-digit day) writes it in
// Received: and Date: fields: "Mon, 23 Nov 2026 16:48:05 +0000 (UTC)". Any thread. The text of the current second is
// kept per thread, so that the hot path formats once a second; the view is valid until this thread's next call.
std::string_view rfc5322_date(WallTime when);

}  // namespace waypost::mail
