#include "report/bounce.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/header_scan.h"

namespace waypost::report {

namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kWrapAt = 79;
constexpr std::size_t kWrapIndent = 4;
constexpr std::size_t kMaxReason = 4'096;
constexpr std::size_t kReadPiece = 64 * 1'024;
constexpr std::size_t kReturnedHeaders = 102'400;  // more of them are not sent back

struct Wording {
  std::string_view subject, action;
  std::uint8_t notify;  // the NOTIFY bit that asks for it; 0: whatever the sender asked for
};

Wording wording_of(Kind kind) {
  switch (kind) {
    case Kind::failure:
      return {"Undelivered Mail Returned to Sender", "failed", mail::Notify::kFailure};
    case Kind::delay:
      return {"Delayed Mail (still being retried)", "delayed", mail::Notify::kDelay};
    case Kind::success:
      return {"Successful Mail Delivery Report", "delivered", mail::Notify::kSuccess};
    case Kind::delay_cleared:
      return {"Successful Mail Delivery Report", "delivered", mail::Notify::kDelay};
    case Kind::postmaster_failure:
      return {"Postmaster Copy: Undelivered Mail", "failed", 0};
    case Kind::postmaster_delay:
      return {"Postmaster Warning: Delayed Mail", "delayed", 0};
  }
  return {};
}

bool is_asked_for(const mail::Recipient& recipient, Kind kind) {
  const std::uint8_t wanted = wording_of(kind).notify;
  if (wanted == 0) return true;
  // RFC 3461 §4.1: without NOTIFY failures and delays are reported, successes are not.
  if (recipient.notify == mail::Notify::kNoneGiven) return kind != Kind::success;
  return (recipient.notify & wanted) != 0;
}

bool is_for_postmaster(Kind kind) { return kind == Kind::postmaster_failure || kind == Kind::postmaster_delay; }
bool is_about_success(Kind kind) { return kind == Kind::success || kind == Kind::delay_cleared; }

bool has_eight_bit(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; });
}

// RFC 3461 §4: "+" and two hexadecimal digits stand for a byte. What breaks this is taken as it is.
std::string decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '+' && i + 2 < text.size() ? parse_hex(text.substr(i + 1, 2)) : std::nullopt;
    out += byte ? static_cast<char>(*byte) : text[i];
    if (byte) i += 2;
  }
  return printable(out);
}

std::string hours_or_days(std::chrono::seconds span) {
  constexpr std::chrono::hours kDay{24};
  if (span >= kDay && span % kDay == std::chrono::seconds{0}) return fmt::format("{} day(s)", span / kDay);
  constexpr std::chrono::hours kHour{1};
  if (span % kHour == std::chrono::seconds{0}) return fmt::format("{} hour(s)", span / kHour);
  return fmt::format("{:.1f} hour(s)", static_cast<double>(span.count()) / 3600);
}

const Template* template_for(Kind kind, const Settings& settings) {
  switch (kind) {
    case Kind::failure:
    case Kind::postmaster_failure:
      return settings.failure_template.get();
    case Kind::delay:
    case Kind::postmaster_delay:
      return settings.delay_template.get();
    case Kind::success:
    case Kind::delay_cleared:
      return settings.success_template.get();
  }
  return nullptr;
}

// A From: as templates have it, "MAILER-DAEMON (Mail Delivery System)", completed with the domain.
std::string with_domain(std::string_view from, std::string_view domain) {
  if (from.contains('@')) return std::string(from);
  const auto open = from.find('<');
  const auto end = open == std::string_view::npos ? from.find_first_of(" \t(") : from.find('>', open);
  const auto at = std::min(end, from.size());
  return fmt::format("{}@{}{}", from.substr(0, at), domain, from.substr(at));
}

// The message under construction: lines with CRLF.
class Composer {
 public:
  Composer(Kind kind, const Original& original, const std::vector<const RecipientReport*>& recipients,
           const Settings& settings, WallTime now)
      : kind_(kind),
        envelope_(*original.envelope),
        original_(original),
        recipients_(recipients),
        settings_(settings),
        now_(now),
        template_(template_for(kind, settings)),
        boundary_(fmt::format("{}.{}/{}", envelope_.id.text(),
                              std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count(),
                              settings.hostname)) {}

  ComposedNotice compose() {
    read_original();
    eight_bit_ = has_eight_bit(returned_) || envelope_.smtputf8 || (template_ && has_eight_bit(template_->text));
    header();
    text_part();
    status_part();
    original_part();
    line("--{}--", boundary_);
    return {.sender = to_postmaster() ? double_bounce_address(settings_) : "",
            .recipient = destination(),
            .content = std::move(out_),
            .encoding = eight_bit_ ? mail::BodyEncoding::eight_bit_mime : mail::BodyEncoding::seven_bit,
            .smtputf8 = envelope_.smtputf8};
  }

 private:
  template <class... A>
  void line(fmt::format_string<A...> format, A&&... arguments) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<A>(arguments)...);
    out_ += kLineEnd;
  }
  void line() { out_ += kLineEnd; }

  // Long lines go on in the next one, indented: a reader may take the notice for a header as well as for a text.
  void wrapped(std::string_view text) {
    std::size_t room = kWrapAt;
    while (text.size() > room) {
      std::size_t cut = text.rfind(' ', room);
      if (cut == std::string_view::npos || cut == 0) cut = std::min(text.find(' ', room), text.size());
      if (cut == text.size()) break;
      out_.append(text.substr(0, cut));
      out_ += kLineEnd;
      out_.append(kWrapIndent, ' ');
      text = trim_left(text.substr(cut));
      room = kWrapAt - kWrapIndent;
    }
    out_.append(text);
    out_ += kLineEnd;
  }

  bool to_postmaster() const { return is_for_postmaster(kind_); }
  std::string destination() const {
    return to_postmaster() ? postmaster_for(kind_, envelope_.sender.empty(), settings_) : envelope_.sender;
  }
  bool is_undelivered() const { return !is_about_success(kind_); }
  // RFC 3464 §2.3.3: what another system took is only relayed.
  std::string_view action_of(const RecipientReport& report) const {
    return is_about_success(kind_) && !report.delivered ? "relayed" : wording_of(kind_).action;
  }

  // RFC 6533 §3: utf-8 where the address needs it.
  std::string_view address_type(std::string_view address) const {
    return envelope_.smtputf8 && has_eight_bit(address) ? "utf-8" : "rfc822";
  }

  void header() {
    line("Date: {}", mail::rfc5322_date(now_));
    const std::string& origin = settings_.origin.empty() ? settings_.hostname : settings_.origin;
    const bool has_from = template_ && !template_->from.empty();
    line("From: {}", with_domain(has_from ? template_->from : "Mail Delivery System <MAILER-DAEMON>", origin));
    line("Subject: {}", subject());
    line("To: {}", mail::to_external(destination()));
    if (settings_.threaded && !message_id_.empty()) {
      line("References: {}", message_id_);
      line("In-Reply-To: {}", message_id_);
    }
    line("Auto-Submitted: {}", to_postmaster() ? "auto-generated" : "auto-replied");  // RFC 3834 §5
    line("MIME-Version: 1.0");
    line("Content-Type: multipart/report; report-type=delivery-status;");
    line("\tboundary=\"{}\"", boundary_);
    if (eight_bit_) line("Content-Transfer-Encoding: 8bit");
    line();
    line("This is a MIME-encapsulated message.");
    line();
  }

  std::string_view subject() const {
    const std::string* own = nullptr;
    if (template_) own = to_postmaster() ? &template_->postmaster_subject : &template_->subject;
    return own && !own->empty() ? std::string_view(*own) : wording_of(kind_).subject;
  }

  void begin_part(std::string_view description, std::string_view type, bool eight_bit) {
    line("--{}", boundary_);
    line("Content-Description: {}", description);
    line("Content-Type: {}", type);
    if (eight_bit) line("Content-Transfer-Encoding: 8bit");
    line();
  }

  void text_part() {
    const bool own_charset = template_ && !iequals(template_->charset, "us-ascii");
    const std::string charset = own_charset ? template_->charset : eight_bit_ ? "utf-8" : "us-ascii";
    begin_part("Notification", fmt::format("text/plain; charset={}", charset), eight_bit_);
    if (template_) {
      template_text();
    } else {
      line("The mail system at {} reports:", settings_.hostname);
      line();
      explanation();
      line();
      line("Should you need help, write to postmaster and add this report.");
    }
    for (const RecipientReport* report : recipients_) {
      const mail::Recipient& recipient = envelope_.recipients[report->recipient];
      line();
      const std::string from =
          recipient.original.empty() ? "" : fmt::format(" (expanded from <{}>)", mail::to_external(recipient.original));
      wrapped(
          fmt::format("<{}>{}: {}", mail::to_external(recipient.address), from, printable(report->reason, kMaxReason)));
    }
    line();
  }

  void template_text() {
    for (std::string_view rest = template_->text; !rest.empty();) {
      const auto end = rest.find('\n');
      out_.append(rest.substr(0, end)).append(kLineEnd);
      rest.remove_prefix(std::min(end == std::string_view::npos ? end : end + 1, rest.size()));
    }
  }

  void explanation() {
    switch (kind_) {
      case Kind::failure:
        line("Your message could not be delivered to the recipients below.");
        line("The message, or its header, is attached.");
        return;
      case Kind::delay:
        line("THIS IS ONLY A WARNING. There is no need to send the message again.");
        line();
        line("Your message has been waiting for more than {}.", hours_or_days(settings_.delay_warning_time));
        line("It will be tried again until it is {} old.", hours_or_days(settings_.maximal_queue_lifetime));
        return;
      case Kind::success:
      case Kind::delay_cleared:
        line("Your message was delivered to the destinations below. If the mail was");
        line("delivered to a mailbox you will get no further notices, otherwise you");
        line("may still get notices of failure from other mail systems.");
        return;
      case Kind::postmaster_failure:
        line("The message could not be delivered to the recipients below.");
        line("Its header is attached.");
        return;
      case Kind::postmaster_delay:
        line("The message could not be delivered to the recipients below so far.");
        line("It is being tried again. Its header is attached.");
        return;
    }
  }

  // RFC 3464 §2: fields about the message, then a group for each recipient.
  void status_part() {
    begin_part("Delivery report", envelope_.smtputf8 ? "message/global-delivery-status" : "message/delivery-status",
               envelope_.smtputf8 && eight_bit_);
    line("Reporting-MTA: dns; {}", settings_.hostname);
    if (!envelope_.dsn_envid.empty()) line("Original-Envelope-Id: {}", decode_xtext(envelope_.dsn_envid));
    line("X-{}-Queue-ID: {}", settings_.mail_name, envelope_.id.text());
    if (!envelope_.sender.empty()) {
      line("X-{}-Sender: {}; {}", settings_.mail_name, address_type(envelope_.sender),
           mail::to_external(envelope_.sender));
    }
    line("Arrival-Date: {}", mail::rfc5322_date(envelope_.arrival));
    for (const RecipientReport* report : recipients_) recipient_status(*report);
    line();
  }

  void recipient_status(const RecipientReport& report) {
    const mail::Recipient& recipient = envelope_.recipients[report.recipient];
    line();
    line("Final-Recipient: {}; {}", address_type(recipient.address), mail::to_external(recipient.address));
    if (!recipient.dsn_orcpt.empty()) {
      line("Original-Recipient: {}", decode_xtext(recipient.dsn_orcpt));
    } else if (!recipient.original.empty()) {
      line("Original-Recipient: {}; {}", address_type(recipient.original), mail::to_external(recipient.original));
    }
    line("Action: {}", action_of(report));
    line("Status: {}", report.dsn);
    if (!report.remote_mta.empty()) wrapped("Remote-MTA: dns; " + printable(report.remote_mta));
    if (!report.remote_reply.empty()) {
      wrapped("Diagnostic-Code: smtp; " + printable(report.remote_reply, kMaxReason));
    } else {
      wrapped(fmt::format("Diagnostic-Code: X-{}; {}", settings_.mail_name, printable(report.reason, kMaxReason)));
    }
    if (kind_ == Kind::delay || kind_ == Kind::postmaster_delay) {
      line("Will-Retry-Until: {}", mail::rfc5322_date(envelope_.arrival + settings_.maximal_queue_lifetime));
    }
  }

  bool headers_only() const {
    if (kind_ != Kind::failure || envelope_.dsn_return == mail::DsnReturn::headers) return true;
    return settings_.bounce_size_limit > 0 && original_.size > settings_.bounce_size_limit;
  }

  // returned_: what the third part holds; unreadable_ when the spool does not give it any more.
  void read_original() {
    const bool only_header = headers_only();
    mail::HeaderScan scan;
    while (returned_.size() < original_.size && !(only_header && scan.ended())) {
      if (only_header && returned_.size() >= kReturnedHeaders) break;
      const auto piece = original_.read(returned_.size(), kReadPiece);
      if (!piece || piece->empty()) {
        unreadable_ = true;
        returned_.clear();
        return;
      }
      scan.feed(*piece);
      returned_ += *piece;
    }
    scan.finish();
    message_id_ = printable(scan.message_id(), mail::kMaxMessageIdLength);
    if (only_header) returned_.resize(std::min<std::size_t>(returned_.size(), scan.fields_end()));
  }

  void original_part() {
    const std::string description =
        fmt::format("{}{}", is_undelivered() ? "Undelivered " : "", headers_only() ? "Message Headers" : "Message");
    const bool global = envelope_.smtputf8;
    const std::string_view type = headers_only() ? (global ? "message/global-headers" : "text/rfc822-headers")
                                                 : (global ? "message/global" : "message/rfc822");
    begin_part(description, type, eight_bit_);
    if (unreadable_) {
      line("(the message can no longer be read)");
    } else {
      line("Return-Path: <{}>", mail::to_external(envelope_.sender));
      out_ += returned_;
      if (!returned_.empty() && !returned_.ends_with('\n')) line();
    }
    line();
  }

  const Kind kind_;
  const mail::Envelope& envelope_;
  const Original& original_;
  const std::vector<const RecipientReport*>& recipients_;
  const Settings& settings_;
  const WallTime now_;
  const Template* const template_;  // null: our own words
  const std::string boundary_;
  std::string out_, returned_, message_id_;
  bool eight_bit_ = false, unreadable_ = false;
};

}  // namespace

std::string double_bounce_address(const Settings& settings) {
  return settings.double_bounce_sender + "@" + settings.hostname;
}

std::string postmaster_for(Kind kind, bool null_sender, const Settings& settings) {
  if (kind == Kind::postmaster_delay) return settings.copy_delays ? settings.delay_notice_recipient : "";
  if (kind != Kind::postmaster_failure) return {};
  if (null_sender) return settings.report_double_failures ? settings.double_bounce_notice_recipient : "";
  return settings.copy_failures ? settings.bounce_notice_recipient : "";
}

std::optional<ComposedNotice> compose(Kind kind, const Original& original,
                                      const std::vector<RecipientReport>& recipients, const Settings& settings,
                                      WallTime now) {
  const auto& sender = original.envelope->sender;
  if (iequals(sender, double_bounce_address(settings))) return std::nullopt;
  if (is_for_postmaster(kind) ? postmaster_for(kind, sender.empty(), settings).empty() : sender.empty()) {
    return std::nullopt;
  }
  std::vector<const RecipientReport*> concerned;
  for (const RecipientReport& report : recipients) {
    if (report.recipient >= original.envelope->recipients.size()) continue;
    if (is_asked_for(original.envelope->recipients[report.recipient], kind)) concerned.push_back(&report);
  }
  if (concerned.empty()) return std::nullopt;
  return Composer(kind, original, concerned, settings, now).compose();
}

}  // namespace waypost::report
