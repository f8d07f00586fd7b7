// The control API: paths and methods onto Commands. Used by every tool; the same over any kind of listener.
//
//   GET  /v1/status                                  JSON object
//   GET  /v1/queue                                   JSON lines
//   POST /v1/queue/flush[?id=ID]                     204
//   POST /v1/queue/remove|hold|release|requeue|expire   body: queue ids, one a line, or ALL; answer: the ids changed
//   POST /v1/reload                                  200 what changed, 409 findings; one a line
//   POST /v1/stop                                    204
//
// Who may: everybody on this host may look and flush (as postqueue allows); what changes or stops anything is for root
// and the user that the daemon runs as.
#pragma once

#include <sys/types.h>

#include "admin/commands.h"
#include "admin/http.h"
#include "net/stream.h"

namespace waypost::admin {

struct Caller {
  uid_t uid = 0;
  bool privileged = false;  // root or the daemon's own user
};

net::Task<Response> answer(Commands& commands, Request request, Caller caller);

// One connection of the control socket: request, answer, close. The caller is whom the kernel names (SO_PEERCRED).
net::Task<void> serve(Commands& commands, net::Stream stream);

}  // namespace waypost::admin
