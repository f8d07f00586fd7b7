// sendmail -bs: SMTP on standard input and output, as mail libraries speak it to a child process. Each message is
// dropped for pickup, as any other that sendmail submits, so it works for every user and while the relay is down.
#pragma once

#include "tools/console.h"
#include "tools/context.h"

namespace waypost::tools {

// One dialogue, to QUIT or the end of input; the exit status. What a client can get wrong is answered, not fatal.
int serve_smtp_on_stdin(const Console& console, const Context& context);

}  // namespace waypost::tools
