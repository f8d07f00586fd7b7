// One connection to a server with the session on it, and the loop that executes what the session asks for. It lives on
// one io thread; one coroutine at a time uses it. Between messages an idle one owns no buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "net/stream.h"
#include "net/task.h"
#include "smtp/client_session.h"
#include "smtp/reply_parser.h"
#include "smtp_client/hosts.h"
#include "smtp_client/settings.h"
#include "tls/peer.h"

namespace waypost::smtp_client {

class Connection {
 public:
  using Action = smtp::ClientSession::Action;

  Connection(net::Stream stream, smtp::ClientSessionSettings session, Log log, MonoTime opened)
      : stream_(std::move(stream)), session_(std::move(session)), log_(std::move(log)), opened_(opened) {}

  smtp::ClientSession& session() { return session_; }
  const smtp::ClientSession& session() const { return session_; }
  net::Stream& stream() { return stream_; }
  const Log& log() const { return log_; }
  MonoTime opened() const { return opened_; }

  // Writes and reads until the session asks for something else. Each reply has the whole time-out of its phase, no
  // matter in how many pieces it drips in. After a failed write the server's last words are still read.
  net::Task<Action> drive(Action action, const Timeouts& timeouts);

  // Bytes of the server that no reply has used: after STARTTLS' 220 there must be none (RFC 3207 §6: what was slipped
  // in before the handshake must not be taken for what was said after it).
  bool has_unread() const { return !unread_.empty() || parser_.in_reply(); }

  // QUIT, without waiting for its reply (smtp_skip_quit_response), and close.
  net::Task<void> say_goodbye(MonoTime deadline);

  // What a delivery must know of the server.
  std::string host, address;
  std::string peer;                                // "H[IP]"
  std::string peer_port;                           // "H[IP]:25"
  std::string nexthop;                             // the destination's own name, as routed
  std::string key;                                 // of the cache
  std::shared_ptr<const ClientSettings> settings;  // with which it was made
  std::uint32_t uses = 0;
  bool last_host = true;            // when it was made there was no other host to try
  bool always_kept = false;         // smtp_connection_cache_destinations names its destination
  bool folded_lines = false;        // the content sent last had lines above the limit
  bool plaintext_fallback = false;  // a failed handshake allows another try in clear
  std::optional<tls::PeerStatus> tls_peer;
  std::string tls_status;  // "encrypt", "may:none", "!verify": the level, and what became of it

 private:
  bool parse_unread();
  net::Task<Action> answer_filtered();

  net::Stream stream_;
  smtp::ReplyParser parser_;
  smtp::ClientSession session_;
  Log log_;
  MonoTime opened_;
  std::string unread_;
};

// The time-out of what the session waits for.
std::chrono::seconds timeout_of(smtp::ClientSession::Phase phase, const Timeouts& timeouts);

}  // namespace waypost::smtp_client
