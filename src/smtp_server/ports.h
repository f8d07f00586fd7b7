// What a session needs from the rest of the relay, as interfaces: so that a session can be tested without it, and the
// rest may change without the session. Adapters to access/ and intake/ are in adapters.h.
//
// Threads: sessions of every io thread call these at once; each call is made on the session's io thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "access/policy.h"
#include "base/queue_id.h"
#include "base/result.h"
#include "intake/received.h"
#include "mail/envelope.h"
#include "net/io_thread.h"
#include "net/task.h"
#include "smtp/reply.h"
#include "smtp/server_session.h"
#include "smtp_server/transcript.h"

namespace waypost::smtp_server {

// The lists of clients that the operator keeps. In each a client is or is not.
enum class ClientList : std::uint8_t {
  unlimited,      // smtpd_client_event_limit_exceptions
  bare_newlines,  // smtpd_forbid_bare_newline_exclusions
  xclient,        // smtpd_authorized_xclient_hosts
  xforward,       // smtpd_authorized_xforward_hosts
  debug,          // debug_peer_list
  no_auth,        // smtpd_sasl_exceptions_networks
};
inline constexpr std::size_t kClientLists = 6;

// Who may do what. Everything that is given lives until the task is done.
class AccessPort {
 public:
  virtual ~AccessPort() = default;
  virtual net::Task<access::Decision> check_connect(const access::Subject& subject, access::Memory& memory) = 0;
  virtual net::Task<access::Decision> check_helo(const access::Subject& subject, access::Memory& memory) = 0;
  virtual net::Task<access::Decision> check_mail(const access::Subject& subject, access::Memory& memory) = 0;
  virtual net::Task<access::Decision> check_rcpt(const access::Subject& subject, access::Memory& memory) = 0;
  virtual net::Task<access::Decision> check_etrn(const access::Subject& subject, access::Memory& memory) = 0;
  virtual net::Task<access::Decision> check_data(const access::Subject& subject) = 0;
  virtual net::Task<access::Decision> check_end_of_data(const access::Subject& subject) = 0;
  // False: nobody is in it, and there is no need to ask.
  virtual bool has(ClientList list) const = 0;
  virtual net::Task<Result<bool>> is_listed(ClientList list, const access::Subject& subject) = 0;
  // local_header_rewrite_clients: may this client leave out headers, which are then added? An error defers the mail.
  virtual net::Task<Result<bool>> may_omit_headers(const access::Subject& subject) = 0;
  // smtpd_command_filter: whether there is one, and what it makes of a command; nullopt: nothing else.
  virtual bool filters_commands() const = 0;
  virtual net::Task<Result<std::optional<std::string>>> replaced_command(std::string command) = 0;
  // smtpd_discard_ehlo_keyword_address_maps: the EHLO keywords to hide from this client; nullopt: the service's own.
  virtual net::Task<Result<std::optional<std::string>>> hidden_keywords(const access::Subject& subject) = 0;
};

// The end of a message's way in: an id, or why it was not taken.
struct Verdict {
  QueueId id;
  std::optional<smtp::Reply> refusal;
};

// One message on its way in. Destroying it before finish() has answered abandons it.
class IncomingMessage {
 public:
  virtual ~IncomingMessage() = default;
  // Decoded content, CRLF line ends. Must have copied `content` before it suspends for the first time: the view is of a
  // buffer that other sessions use. A refusal is final: the object is destroyed next.
  virtual net::Task<std::optional<smtp::Reply>> append(std::string_view content) = 0;
  // Answers when the message is durable, or will not be.
  virtual net::Task<Verdict> finish() = 0;
};

// What the envelope does not hold of how a message came in.
struct Arrival {
  std::shared_ptr<const intake::TraceSettings> trace;
  std::string tls_lines;           // for Received:, whole lines with CRLF; may be empty
  bool hides_client = false;       // smtpd_hide_client_session: Received: does not tell of the client
  bool completes_headers = false;  // what headers are missing are added
};

class IntakePort {
 public:
  virtual ~IntakePort() = default;
  virtual QueueId next_id() = 0;
  // At MAIL FROM; `size` as the client declared it, 0 if it did not.
  virtual std::optional<smtp::Reply> check_space(std::uint64_t size) = 0;
  // The envelope is complete and has its id. Not null.
  virtual std::unique_ptr<IncomingMessage> begin(mail::Envelope envelope, Arrival arrival) = 0;
};

// Mail to the postmaster about a session. Any thread.
class NoticePort {
 public:
  virtual ~NoticePort() = default;
  virtual void notify(Notice notice) = 0;
};

// What the DNS says about a client's address.
struct ClientNames {
  std::string name = "unknown";     // PTR whose address records lead back to the client
  std::string reverse = "unknown";  // PTR, unverified
  std::string warning;              // "hostname H does not resolve to address A"; empty: nothing to say
};

class NamePort {
 public:
  virtual ~NamePort() = default;
  virtual net::Task<ClientNames> names_of(std::string address) = 0;
};

// smtpd_peername_lookup=no: every client is unknown.
class NoNames final : public NamePort {
 public:
  net::Task<ClientNames> names_of(std::string) override { co_return ClientNames{}; }
};

// One AUTH command. base64 in and out, as on the wire; RFC 4954's "=" for an empty initial response included. The
// answer's username is the one claimed, also of a failure, where it is known.
class AuthExchange {
 public:
  virtual ~AuthExchange() = default;
  // `initial` null: the client sent none. It lives until the task is done.
  virtual net::Task<smtp::SaslAnswer> start(const std::string* initial) = 0;
  virtual net::Task<smtp::SaslAnswer> next(const std::string& response) = 0;
};

// What the backend may tell its log or policy about the session.
struct AuthClient {
  std::string client_address;
  std::string server_address;
  bool encrypted = false;
};

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Blank-separated, for EHLO; already without what the security options forbid. Empty: nothing to offer.
  virtual net::Task<std::string> mechanisms(bool encrypted) = 0;
  // nullptr: no such mechanism is offered to this client.
  virtual std::unique_ptr<AuthExchange> begin(const std::string& mechanism, const AuthClient& client) = 0;
};

}  // namespace waypost::smtp_server
