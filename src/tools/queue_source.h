// The queue as mailq and postqueue show it: asked of the daemon, or read from the spool when it is down.
#pragma once

#include "admin/queue_listing.h"
#include "base/result.h"
#include "tools/console.h"
#include "tools/context.h"

namespace waypost::tools {

enum class QueueFormat : unsigned char { mailq, json };

// What is queued. Warns on `console` when the daemon is down and the spool is read directly, which only root may.
// Errc::unavailable: the daemon is down and the caller may not read the spool. Errc::refused: authorized_mailq_users
// does not have the caller.
Result<std::vector<admin::ListedMessage>> list_queue(const Console& console, const Context& context);

// Prints it; the answer is the command's exit status.
int print_queue(const Console& console, const Context& context, QueueFormat format);

}  // namespace waypost::tools
