// One SMTP client's connection, from accept to close: the coroutine that drives smtp::ServerSession over a net::Stream
// and gets its questions answered by the ports. Log lines are Postfix's, character for character.
//
// Memory: while the client is silent a session holds no buffer; input is read into the io thread's scratch, and only
// what must outlast an await is copied. Replies of one flight leave in one write. Failure of the connection ends the
// session; a message whose end did not come is abandoned.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "net/limiter.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/task_group.h"
#include "smtp/server_settings.h"
#include "smtp_server/client_rates.h"
#include "smtp_server/ports.h"
#include "smtp_server/session_numbers.h"
#include "tls/server_context.h"

namespace waypost::smtp_server {

struct ServiceSettings {
  smtp::ServerSettings protocol;
  std::string tag = "postfix/smtpd";              // syslog_name/smtpd: "postfix/submission/smtpd"
  std::string name = "smtp";                      // the master.cf service, for messages
  std::chrono::seconds timeout{300};              // smtpd_timeout: for a command, and for each read of content
  std::chrono::seconds starttls_timeout{300};     // smtpd_starttls_timeout
  int tls_loglevel = 0;                           // smtpd_tls_loglevel
  bool tls_received_header = false;               // smtpd_tls_received_header
  bool tls_ask_certificate = false;               // smtpd_tls_ask_ccert
  bool tls_require_certificate = false;           // smtpd_tls_req_ccert, where TLS is mandatory: a trusted one
  std::string tls_fingerprint_digest = "sha256";  // smtpd_tls_fingerprint_digest

  bool proxy_header = false;                           // smtpd_upstream_proxy_protocol = haproxy
  std::chrono::seconds proxy_timeout{5};               // smtpd_upstream_proxy_timeout
  bool log_client_port = false;                        // smtpd_client_port_logging
  bool hide_client_session = false;                    // smtpd_hide_client_session
  std::shared_ptr<const intake::TraceSettings> trace;  // for Received:
  RateLimits rate_limits;                              // smtpd_client_*_rate_limit
  unsigned ipv4_prefix_length = 32;                    // smtpd_client_ipv4_prefix_length: what counts as one client
  unsigned ipv6_prefix_length = 84;                    // smtpd_client_ipv6_prefix_length
  bool per_request_deadline = false;                   // smtpd_per_request_deadline: content has its time as a whole,
  std::uint32_t min_data_rate = 500;                   // smtpd_min_data_rate: and a second more for so many bytes
  NoticeSettings notices;                              // notify_classes
};

// One listener as configured now: an immutable snapshot. Sessions keep the one that they began with.
struct Service {
  ServiceSettings settings;
  std::shared_ptr<AccessPort> access;
  std::shared_ptr<Authenticator> authenticator;           // null: AUTH is not enabled
  std::shared_ptr<const tls::ServerContext> tls_context;  // null: none, or no usable certificate
  std::shared_ptr<net::Limiter> connections;              // of the service, in total
  std::shared_ptr<net::Limiter> client_connections;       // smtpd_client_connection_count_limit, by client_range
  std::shared_ptr<ClientRates> rates;                     // by client_range; null: no rate is limited
};

// What all sessions of the process share. Outlives them.
struct Environment {
  LogSink& log;
  const Clock& clock;
  IntakePort& intake;
  NamePort& names;
  SessionNumbers& numbers;
  NoticePort* notices = nullptr;  // null: nobody is told
};

// The whole life of a connection. Spawn it in `group`, the group of the stream's io thread: a request to stop ends
// sessions that wait for a command; those that receive a message finish it first.
net::Task<void> serve(net::Stream stream, std::shared_ptr<const Service> service, Environment& environment,
                      net::TaskGroup& group);

}  // namespace waypost::smtp_server
