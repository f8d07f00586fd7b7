// The lines that a session leaves in the log (postfix-compatible, part of the interface: pflogsumm, fail2ban and people
// read them). It is also the dialogue's observer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/result.h"
#include "smtp/server_session.h"

namespace waypost::smtp_server {

class SessionLog final : public smtp::ServerObserver {
 public:
  // Set client and session before anything is observed; the session outlives this object's use.
  explicit SessionLog(Log log) : log_(std::move(log)) {}
  // "name[address]", or "name[address]:port".
  void set_client(std::string client) { client_ = std::move(client); }
  void set_session(const smtp::ServerSession& session) { session_ = &session; }
  const Log& log() const { return log_; }
  const std::string& client() const { return client_; }

  void connected() const { log_.info("connect from {}", client_); }
  void disconnected() const;
  // How a session ended that did not end with QUIT; `content_bytes`: received of an unfinished message.
  void ended(std::string_view reason, std::uint64_t content_bytes) const;

  // "QID: client=...", when the first recipient was accepted.
  void began(QueueId id) const;
  // "QID: reject: RCPT from name[address]: 554 5.7.1 ...; from=<> to=<> proto=ESMTP helo=<>"; `verb` "reject" or
  // "reject_warning".
  void refused(std::string_view verb, std::string_view reply) const;
  void content_too_big() const { log_.warning("{}: queue file size limit exceeded", queue_id()); }
  // `what`: "Connection rate", "AUTH command rate" ...
  void over_limit(std::string_view what, std::size_t count, std::string_view service) const;
  // `server_name`: that the client asked for, where that matters; else empty.
  void tls_established(std::string_view trust, bool resumed, std::string_view description,
                       std::string_view server_name) const;
  void tls_failed(const Error& error) const;
  void auth_failed(const smtp::SaslAnswer& answer) const;
  // A command as others may see it, without what authenticates; before it is obeyed.
  std::string shown(std::string_view line) const;
  // debug_peer_list: the dialogue. A command before it is obeyed; replies as on the wire.
  void heard(std::string_view line) const;
  void said(std::string_view replies) const;

  void illegal_address(std::string_view verb, std::string_view path) override;
  void non_smtp_command(std::string_view line) override;
  void improper_pipelining(std::string_view after, std::string_view pending) override;
  void line_too_long(std::string_view beginning, std::size_t limit) override;
  void bare_newline_refused() override;
  void auth_aborted(std::string_view mechanism) override;
  void etrn_refused(std::string_view domain) override;

 private:
  std::string queue_id() const;  // or "NOQUEUE"
  std::string evidence() const;  // " from=<S> to=<R> proto=P helo=<H>"

  Log log_;
  std::string client_;
  const smtp::ServerSession* session_ = nullptr;
};

// Control and non-ASCII bytes as C escapes, at most `limit` bytes of input.
std::string escaped(std::string_view text, std::size_t limit);

}  // namespace waypost::smtp_server
