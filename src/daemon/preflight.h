// All that there is to say about a configuration before it is used: at start, before a reload takes effect, and for
// `postfix check` and `waypost who-may-relay`, which start nothing.
//
// Blocking; not on an io thread.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "config/finding.h"
#include "config/load.h"
#include "daemon/snapshot.h"
#include "review/relay_proof.h"

namespace waypost::daemon {

enum class Purpose : unsigned char { check, start, reload };

// The snapshot, with what config::check, its making and the review found. A listener that must not serve is an error,
// but at the start a warning: the others serve. An open relay is an error of the check alone: Postfix serves it, and so
// does Waypost, with a warning at each start and reload.
std::shared_ptr<const Snapshot> examine(std::shared_ptr<const config::Configuration> configuration, const Log& log,
                                        const Clock& clock, const Snapshot* previous, Purpose purpose,
                                        config::Findings& findings);

// What `postfix check` says, by file and line. Nothing is started or changed.
config::Findings preflight(const std::string& config_directory);

// The proof for the configuration in that directory; the findings tell what does not parse. Errc as config::load.
Result<review::RelayProof> prove_relay(const std::string& config_directory, config::Findings& findings);

}  // namespace waypost::daemon
