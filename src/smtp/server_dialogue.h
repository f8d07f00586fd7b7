// The vocabulary between a ServerSession and who drives it: what the session asks for, what it is told, what it lets
// the operator know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace waypost::smtp {

// What the session wants done. Names in brackets: the call that brings the answer.
enum class Action : std::uint8_t {
  next_line,          // [on_line] nothing to do
  check_helo,         // [on_decision] may this helo_name() come in?
  check_mail,         // [on_decision] may candidate() send size_said() bytes?
  check_rcpt,         // [on_decision] may candidate() be a recipient?
  check_vrfy,         // [on_decision] may candidate() be asked for?
  check_etrn,         // [on_decision] may candidate() be asked for? Granted, it is answered all the same
  check_data,         // [on_decision]
  receive_content,    // [on_content_end] 354 was said: take_envelope(), decode until the end of data
  check_end_of_data,  // [on_decision]
  commit,             // [on_queued, on_refused] make the message durable
  check_tls,          // [on_decision] may it have a TLS session?
  start_tls,          // [on_tls] flush, drop pending input, shake hands
  sasl_start,         // [on_sasl, on_auth_refused] sasl_mechanism(), sasl_response()
  sasl_step,          // [on_sasl] sasl_response()
  introduce,          // [on_introduced] the client is now whom introduced() describes
  close,              // flush and close; close_reason() says why
};

enum class CloseReason : std::uint8_t { none, quit, too_many_errors, refused, protocol_abuse };

// What an exchange of the authentication came to.
struct SaslAnswer {
  enum class Kind : std::uint8_t { challenge, success, failure, temporary };
  Kind kind = Kind::failure;
  std::string text;      // the challenge in base64, or the reason
  std::string username;  // of a success
};

// What the operator should read about a dialogue. Calls come from within on_line().
class ServerObserver {
 public:
  virtual ~ServerObserver() = default;
  virtual void illegal_address(std::string_view verb, std::string_view path) = 0;
  virtual void non_smtp_command(std::string_view line) = 0;
  virtual void improper_pipelining(std::string_view after, std::string_view pending) = 0;
  virtual void line_too_long(std::string_view beginning, std::size_t limit) = 0;
  virtual void bare_newline_refused() = 0;
  virtual void auth_aborted(std::string_view mechanism) = 0;
  virtual void etrn_refused(std::string_view domain) = 0;
};

// For dialogues that nobody watches.
class SilentObserver : public ServerObserver {
 public:
  void illegal_address(std::string_view, std::string_view) override {}
  void non_smtp_command(std::string_view) override {}
  void improper_pipelining(std::string_view, std::string_view) override {}
  void line_too_long(std::string_view, std::size_t) override {}
  void bare_newline_refused() override {}
  void auth_aborted(std::string_view) override {}
  void etrn_refused(std::string_view) override {}
};

struct ClientIdentity {
  std::string name = "unknown";  // verified, or "unknown"
  std::string address;           // without brackets
  std::string port;              // when it is to be shown (smtpd_client_port_logging), else empty
  std::string label() const { return name + '[' + address + ']' + (port.empty() ? "" : ':' + port); }
};

}  // namespace waypost::smtp
