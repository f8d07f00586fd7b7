// Listening sockets. They are opened here or elsewhere (by a privileged parent) and served by all io threads.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/io_thread.h"
#include "net/stream.h"

namespace waypost::net {

inline constexpr int kListenBacklog = 4096;

struct ListenOptions {
  int backlog = kListenBacklog;
  bool reuse_port = false;    // several sockets on one port: the kernel spreads connections over them
  unsigned unix_mode = 0666;  // permissions of a unix socket's path
};

// A listening descriptor (non-blocking, close-on-exec), owned by the caller. A stale unix socket that nobody serves is
// replaced. Errc::exists when the address is in use, Errc::io otherwise; the text names the endpoint.
Result<int> open_listener(const Endpoint& local, const ListenOptions& options = {});
// Where a descriptor listens: tells which port the kernel chose for port 0.
Result<Endpoint> local_endpoint(int fd);

class Acceptor {
 public:
  struct Callbacks {
    // A new connection, on the io thread that owns it. Must not block. Called by several threads at once.
    std::function<void(Stream)> on_connection;
    // accept() failed for want of descriptors or memory; it pauses a second and tries again. Called once a pause.
    std::function<void(const Error&)> on_trouble;
  };

  // Takes the descriptors (at least one, all for the same service). Thread i serves descriptor i modulo their number,
  // so give one per thread with reuse_port, or a single one for all.
  Acceptor(IoThreads& threads, const std::vector<int>& fds, Callbacks callbacks);
  // As stop().
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // Closes the sockets on all threads and returns when no callback runs any more. Not from an io thread.
  void stop();

 private:
  class Listener;
  IoThreads& threads_;
  std::vector<std::shared_ptr<Listener>> listeners_;
};

}  // namespace waypost::net
