#include "daemon/listeners.h"

#include <unistd.h>

#include <set>

namespace waypost::daemon {

// One socket for each io thread, so that the kernel spreads connections over them; a unix socket cannot be shared that
// way.
Result<std::vector<int>> Listeners::open_sockets(const net::Endpoint& endpoint) const {
  const std::size_t count = endpoint.is_unix ? 1 : threads_.size();
  std::vector<int> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    const auto fd = net::open_listener(endpoint, {.reuse_port = count > 1});
    if (!fd) {
      for (const int open : sockets) ::close(open);
      return std::unexpected(fd.error());
    }
    sockets.push_back(*fd);
  }
  return sockets;
}

std::unique_ptr<Listeners::Listener> Listeners::open(const std::vector<int>& sockets,
                                                     std::shared_ptr<const Handler> handler) {
  auto listener = std::make_unique<Listener>();
  listener->handler.store(std::move(handler));
  net::Acceptor::Callbacks callbacks{
      .on_connection =
          [this, entry = listener.get()](net::Stream stream) {
            auto& group = groups_[stream.thread().index()];
            if (group.stop_requested()) return;
            const auto current = entry->handler.load();
            group.spawn((*current)(std::move(stream), group));
          },
      .on_trouble = [this](const Error& error) { log_.warning("accept connection: {}", error.text); }};
  listener->acceptor = std::make_unique<net::Acceptor>(threads_, sockets, std::move(callbacks));
  return listener;
}

Result<> Listeners::set(std::vector<Wanted> wanted) {
  std::map<std::string, std::vector<int>> opened;
  std::set<std::string> names;
  for (const auto& want : wanted) {
    const auto name = want.endpoint.to_string();
    if (!names.insert(name).second || listeners_.contains(name)) continue;
    auto sockets = open_sockets(want.endpoint);
    if (!sockets) {
      for (const auto& [_, fds] : opened) {
        for (const int fd : fds) ::close(fd);
      }
      return std::unexpected(sockets.error());
    }
    opened.emplace(name, std::move(*sockets));
  }
  for (auto& want : wanted) {
    const auto name = want.endpoint.to_string();
    if (const auto fresh = opened.find(name); fresh != opened.end()) {
      listeners_[name] = open(fresh->second, want.handler);
      opened.erase(fresh);
    } else {
      listeners_.at(name)->handler.store(want.handler);
    }
  }
  for (auto it = listeners_.begin(); it != listeners_.end();) {
    if (!names.contains(it->first)) it->second->acceptor->stop();
    it = names.contains(it->first) ? std::next(it) : listeners_.erase(it);
  }
  return {};
}

void Listeners::close() {
  for (auto& [_, listener] : listeners_) listener->acceptor->stop();
  listeners_.clear();
}

}  // namespace waypost::daemon
