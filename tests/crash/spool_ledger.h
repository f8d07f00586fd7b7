// Both sides of the spool's promise: what was asked and answered, and what a start finds. The ledger is filled while
// the engine runs (each entry takes its place in the recording, between the calls to the disk) and is then held against
// what recovery makes of the disk at any moment of that recording.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "spool/fault_file_system.h"
#include "spool/segment_spool.h"

namespace waypost::spool::crash {

inline constexpr char kDirectory[] = "/spool";

// How far a sweep over thousands of crash points is thinned out: 1 by default, more where a sanitizer makes each of
// them ten times as slow, 0 (every single point) with WAYPOST_CRASH_EVERY_POINT in the environment.
std::size_t thinning();

SpoolSettings crash_settings();
mail::Envelope envelope_of(QueueId id);
std::string body_of(QueueId id, std::size_t size);

// What is known about the messages at one moment.
struct Expectation {
  struct Message {
    std::size_t size = 0;
    bool accepted = false;  // the commit was answered with success
    bool refused = false;   // with a failure
    bool removal_asked = false;
    bool removal_kept = false;       // a commit that was begun after the removal was accepted
    std::set<std::uint32_t> states;  // attempts of the delivery states that were recorded
    std::uint32_t state_kept = 0;    // the least that must be there
  };
  std::map<QueueId, Message> messages;
};

// Opens what is on `files`, holds it against `expected` and returns what is wrong, one line each. `strict`: refused
// messages must be absent. It is not strict where the machine lost power before the abort record could be written.
std::vector<std::string> check(FaultFileSystem& files, const Expectation& expected, bool strict);

}  // namespace waypost::spool::crash
