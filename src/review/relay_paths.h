// All ways through the restriction lists for one client and one recipient. Inside review/ only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/inquiry.h"
#include "access/policy.h"
#include "net/io_thread.h"
#include "net/sync_wait.h"
#include "review/relay_proof.h"

namespace waypost::review {

// Runs coroutines for a caller that has no io thread.
class Prober {
 public:
  Prober() : thread_(0) { thread_.start(); }
  ~Prober() { thread_.stop(); }
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  template <class T>
  T run(net::Task<T> task) {
    return net::sync_wait(thread_, std::move(task));
  }

 private:
  net::IoThread thread_;
};

// What is given about the client and the recipient, beside the subject itself.
struct Assumptions {
  ClientClass client = ClientClass::everybody_else;
  bool several_recipients = false;  // at DATA none of them is named
  // Set where a table on the network would have to be asked.
  std::optional<bool> in_own_networks;
  std::optional<routing::Route> route;
};

struct Paths {
  Ruling usual;
  std::vector<Ruling> others;  // each outcome with its conditions; none that needs more than another does
  bool complete = true;
};

// `configuration` and `service` say where the steps stand.
Paths explore(Prober& prober, const config::Configuration& configuration, const Listener& listener,
              const access::Subject& subject, const Assumptions& assumptions);

}  // namespace waypost::review
