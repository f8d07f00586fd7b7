// The listening sockets and what serves behind each. A reload changes them by difference: places that stay keep their
// socket and their connections, and new connections get the new settings.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "daemon/groups.h"
#include "net/acceptor.h"
#include "net/endpoint.h"
#include "net/io_thread.h"

namespace waypost::daemon {

class Listeners {
 public:
  // Serves one connection; spawned in the group of the connection's thread.
  using Handler = std::function<net::Task<void>(net::Stream, net::TaskGroup&)>;
  struct Wanted {
    net::Endpoint endpoint;
    std::shared_ptr<const Handler> handler;
  };

  // All outlive the listeners.
  Listeners(net::IoThreads& threads, Groups& groups, Log log)
      : threads_(threads), groups_(groups), log_(std::move(log)) {}

  // Opens what is new, changes the handlers of what stays, closes the rest. When a new socket cannot be opened nothing
  // changes and the error names the endpoint. Not from an io thread.
  Result<> set(std::vector<Wanted> wanted);
  // Closes all. Not from an io thread.
  void close();

 private:
  struct Listener {
    std::atomic<std::shared_ptr<const Handler>> handler;
    std::unique_ptr<net::Acceptor> acceptor;
  };
  Result<std::vector<int>> open_sockets(const net::Endpoint& endpoint) const;
  std::unique_ptr<Listener> open(const std::vector<int>& sockets, std::shared_ptr<const Handler> handler);

  net::IoThreads& threads_;
  Groups& groups_;
  Log log_;
  std::map<std::string, std::unique_ptr<Listener>> listeners_;  // by endpoint
};

}  // namespace waypost::daemon
