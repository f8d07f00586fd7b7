// Sessions that a client may take up again, by the caller's key. Bounded, oldest first out; one session a key; a
// session is handed out once, as RFC 8446 §C.4 advises. Any thread. Inside tls/ only.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include <openssl/ssl.h>

namespace waypost::tls {

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, FreeSession>;

class SessionCache {
 public:
  SessionCache(std::size_t limit, std::chrono::seconds lifetime) : limit_(limit), lifetime_(lifetime) {}

  void put(const std::string& key, SessionPtr session);
  // nullptr when there is none that is still good.
  SessionPtr take(const std::string& key);
  std::size_t size() const;

 private:
  struct Entry {
    std::string key;
    SessionPtr session;
    std::chrono::steady_clock::time_point since;
  };

  const std::size_t limit_;
  const std::chrono::seconds lifetime_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;                                                 // newest first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // views into entries_
};

}  // namespace waypost::tls
