#include "smtp_server/session_log.h"

#include <fmt/format.h>

#include "base/text.h"
#include "events/events.h"

namespace waypost::smtp_server {
namespace {
// How much of what a client sent is worth a log line.
constexpr std::size_t kQuotedBytes = 100;
constexpr std::size_t kQuotedLongLineBytes = 30;
}  // namespace

void SessionLog::disconnected() const {
  const auto counters = session_->counters().text();
  log_.info("disconnect from {} {}{}", client_, counters, session_->noted_bare_newline() ? " notes=bare_lf" : "");
}

void SessionLog::ended(std::string_view reason, std::uint64_t content_bytes) const {
  if (session_->receiving_content() && session_->where() == "DATA") {
    log_.info("{} after DATA ({} bytes) from {}", reason, content_bytes, client_);
  } else {
    log_.info("{} after {} from {}", reason, session_->where(), client_);
  }
}

void SessionLog::began(QueueId id) const {
  std::string tail;
  if (!session_->sasl_username().empty()) {
    tail = fmt::format(", sasl_method={}, sasl_username={}", session_->sasl_method(), session_->sasl_username());
  }
  if (!session_->sasl_sender().empty()) tail += fmt::format(", sasl_sender={}", session_->sasl_sender());
  const auto& forwarded = session_->forwarded();
  if (!forwarded.ident.empty()) tail += fmt::format(", orig_queue_id={}", forwarded.ident);
  if (forwarded.has_client) tail += fmt::format(", orig_client={}[{}]", forwarded.name, forwarded.address);
  log_.info("{}: client={}{}", id.text(), client_, tail);
}

void SessionLog::refused(std::string_view verb, std::string_view reply) const {
  log_.info("{}: {}: {} from {}: {};{}", queue_id(), verb, session_->where(), client_, printable(reply), evidence());
}

void SessionLog::over_limit(std::string_view what, std::size_t count, std::string_view service) const {
  log_.warning("{} limit exceeded: {} from {} for service {}", what, count, client_, service);
}

void SessionLog::tls_established(std::string_view trust, bool resumed, std::string_view description,
                                 std::string_view server_name) const {
  log_.info("{} TLS connection {} from {}{}{}: {}", trust, resumed ? "reused" : "established", client_,
            server_name.empty() ? "" : " to ", printable(server_name, kQuotedBytes), description);
}

void SessionLog::tls_failed(const Error& error) const {
  switch (error.code) {
    case Errc::closed:
      log_.info("SSL_accept error from {}: lost connection", client_);
      return;
    case Errc::timeout:
      log_.info("SSL_accept error from {}: Connection timed out", client_);
      return;
    case Errc::tls:
      log_.info("SSL_accept error from {}: -1", client_);
      log_.warning("TLS library problem: {}", error.text);
      return;
    default:
      log_.info("SSL_accept error from {}: {}", client_, error.text);
  }
}

void SessionLog::auth_failed(const smtp::SaslAnswer& answer) const {
  const auto& mechanism = session_->sasl_mechanism();
  log_.warning("{}: SASL {} authentication failed: {}, sasl_username={}", client_, printable(mechanism, kQuotedBytes),
               answer.text.empty() ? "(reason unavailable)" : printable(answer.text),
               answer.username.empty() ? "(unavailable)" : printable(answer.username, kQuotedBytes));
}

std::string SessionLog::shown(std::string_view line) const {
  if (session_->authenticating()) return "(authentication response)";
  const auto command = smtp::parse_command(line);
  if (command.verb != smtp::Verb::auth || command.count < 3) return printable(line);
  return fmt::format("AUTH {} (initial response)", printable(command.word(1), kQuotedBytes));
}

void SessionLog::heard(std::string_view line) const { log_.info("< {}: {}", client_, shown(line)); }

void SessionLog::said(std::string_view replies) const {
  for (const auto line : split(replies, "\r\n")) log_.info("> {}: {}", client_, printable(line));
}

void SessionLog::illegal_address(std::string_view verb, std::string_view path) {
  log_.warning("Illegal address syntax from {} in {} command: {}", client_, verb, printable(path));
}

void SessionLog::non_smtp_command(std::string_view line) {
  log_.warning("non-SMTP command from {}: {}", client_, escaped(line, kQuotedBytes));
}

void SessionLog::improper_pipelining(std::string_view after, std::string_view pending) {
  log_.info("improper command pipelining after {} from {}: {}", after, client_, escaped(pending, kQuotedBytes));
}

void SessionLog::line_too_long(std::string_view beginning, std::size_t limit) {
  log_.warning("{}: request longer than {}: {}...", client_, limit, printable(beginning, kQuotedLongLineBytes));
}

void SessionLog::bare_newline_refused() { refused("reject", "bare <LF> received"); }

void SessionLog::auth_aborted(std::string_view mechanism) {
  log_.warning("{}: SASL {} authentication aborted", client_, printable(mechanism, kQuotedBytes));
}

void SessionLog::etrn_refused(std::string_view domain) {
  log_.warning("reject: ETRN {}... from {}", printable(domain, kQuotedBytes), client_);
}

std::string SessionLog::queue_id() const {
  const auto id = session_->envelope().id;
  return id ? id.text() : "NOQUEUE";
}

std::string SessionLog::evidence() const {
  using events::log_address;
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(out), " {}=<{}>", name, value);
  };
  const auto& envelope = session_->envelope();
  const auto where = session_->where();
  if (where == "MAIL") {
    add("from", log_address(session_->candidate()));
  } else if (session_->in_transaction()) {
    add("from", log_address(envelope.sender));
  }
  if (where == "RCPT" || where == "VRFY") {
    add("to", log_address(session_->candidate()));
  } else if (!envelope.recipients.empty()) {
    add("to", log_address(envelope.recipients.front().address));
  }
  fmt::format_to(std::back_inserter(out), " proto={}", session_->protocol());
  if (session_->has_helo()) add("helo", session_->helo_name());
  if (!session_->sasl_username().empty()) add("sasl_username", session_->sasl_username());
  return out;
}

std::string escaped(std::string_view text, std::size_t limit) {
  static constexpr std::string_view kSpecial = "\a\b\f\n\r\t\v\\";
  static constexpr std::string_view kLetters = "abfnrtv\\";
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto special = kSpecial.find(c);
    if (special != std::string_view::npos) {
      out.append("\\").append(kLetters.substr(special, 1));
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\{:03o}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace waypost::smtp_server
