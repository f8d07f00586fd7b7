#include "tools/sendmail_smtp.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/clock.h"
#include "config/reader.h"
#include "daemon/settings.h"
#include "intake/drop_file.h"
#include "mail/address.h"
#include "smtp/data_decoder.h"
#include "smtp/line_reader.h"
#include "smtp/server_session.h"
#include "tools/commands.h"

namespace waypost::tools {
namespace {

using smtp::Action;

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::uint64_t kMaxContent = std::uint64_t{1} << 31;  // where message_size_limit sets none

// A listener's settings, but for what makes no sense between a program and its child, and for what a drop cannot hold.
smtp::ServerSettings settings_of(const Context& context) {
  config::Findings findings;
  const auto view = context.configuration->view(nullptr, "smtpd");
  config::Reader reader(view, findings);
  auto out = daemon::read_server(reader);
  out.tls = smtp::ServerTls::none;
  out.tls_wrapper = out.auth_enable = out.smtputf8 = out.forbid_unauth_pipelining = false;
  out.bare_newline = smtp::BareNewline::no;  // programs of this host end lines as files do
  out.discard_ehlo_keywords |= smtp::EhloKeywords::kDsn | smtp::EhloKeywords::kEtrn;
  out.recipient_limit =
      out.recipient_limit == 0 ? intake::kMaxDropRecipients : std::min(out.recipient_limit, intake::kMaxDropRecipients);
  if (out.message_size_limit == 0) out.message_size_limit = kMaxContent;
  return out;
}

class StdinSession {
 public:
  explicit StdinSession(const Context& context)
      : settings_(settings_of(context)),
        drop_folder_(context.paths.drop),
        session_(settings_, observer_, {"localhost", "127.0.0.1", ""}),
        decoder_(settings_.bare_newline, settings_.stray_cr) {}

  // False: standard input or output failed.
  bool run();

 private:
  void receive(std::string_view in);
  void receive_content(std::string_view& in);
  void perform(Action action);
  Action answer(Action action);
  Action commit();
  bool reply();

  const smtp::ServerSettings settings_;
  const std::string drop_folder_;
  SystemClock clock_;
  smtp::SilentObserver observer_;  // both ends are the same user's
  smtp::ServerSession session_;
  smtp::LineReader lines_;
  smtp::DataDecoder decoder_;
  intake::Drop drop_;
  std::optional<smtp::Reply> refusal_;  // of the content that is coming
  bool closed_ = false;
};

bool StdinSession::reply() {
  const auto text = std::exchange(session_.output(), {});
  return text.empty() || write_stdout(text);
}

bool StdinSession::run() {
  std::array<char, kReadBytes> buffer{};
  perform(session_.greet(nullptr, {}));
  while (reply() && !closed_) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;  // a message that was not ended is none
    receive({buffer.data(), static_cast<std::size_t>(got)});
  }
  return closed_;
}

void StdinSession::receive(std::string_view in) {
  while (!in.empty() && !closed_) {
    if (session_.receiving_content()) {
      receive_content(in);
    } else if (const auto line = lines_.next(in, session_.line_limit())) {
      perform(session_.on_line(*line, in));
    }
  }
}

void StdinSession::receive_content(std::string_view& in) {
  const auto step = decoder_.next(in);
  in.remove_prefix(step.consumed);
  if (!refusal_ && drop_.content.size() + step.piece.size() > settings_.message_size_limit) {
    refusal_ = smtp::Reply{552, "5.3.4", "Error: message file too big"};
    drop_.content.clear();
  }
  if (!refusal_) drop_.content += step.piece;
  if (step.done) perform(session_.on_content_end(false, refusal_ ? &*refusal_ : nullptr));
}

void StdinSession::perform(Action action) {
  while (action != Action::next_line && action != Action::close && action != Action::receive_content) {
    action = answer(action);
  }
  closed_ = action == Action::close;
  if (action != Action::receive_content) return;
  const auto envelope = session_.take_envelope();
  decoder_.reset();
  refusal_.reset();
  drop_ = {.sender = mail::to_external(envelope.sender), .encoding = envelope.encoding};
  for (const auto& recipient : envelope.recipients) drop_.recipients.push_back(mail::to_external(recipient.address));
}

// Nobody is refused: the user could submit the same without asking.
Action StdinSession::answer(Action action) {
  switch (action) {
    case Action::check_mail:
      session_.set_arrival(clock_.wall());
      return session_.on_decision(nullptr);
    case Action::check_rcpt:
      if (session_.recipient_count() == 0) {
        const auto now = clock_.wall().time_since_epoch().count();
        session_.set_queue_id(
            QueueId(static_cast<std::uint32_t>(now % 1'000'000), static_cast<std::uint64_t>(::getpid())));
      }
      return session_.on_decision(nullptr);
    case Action::check_helo:
    case Action::check_vrfy:
    case Action::check_etrn:
    case Action::check_data:
    case Action::check_end_of_data:
      return session_.on_decision(nullptr);
    case Action::commit:
      return commit();
    default:
      WAYPOST_ASSERT(false);  // TLS, AUTH and XCLIENT are not there to be asked for
  }
}

// The id that is told is of this submission; the message gets its own from pickup, as with Postfix.
Action StdinSession::commit() {
  const auto id = session_.envelope().id;
  const auto written = intake::write_drop(drop_folder_, std::exchange(drop_, {}));
  if (written) return session_.on_queued(id);
  return session_.on_refused({451, "4.3.0", "Error: queue file write error"});
}

}  // namespace

int serve_smtp_on_stdin(const Console& console, const Context& context) {
  if (StdinSession(context).run()) return kExitOk;
  return console.fatal("SMTP on standard input and output broke off", kExitTempFail);
}

}  // namespace waypost::tools
