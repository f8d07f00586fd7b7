#include "postfix_queue/queue_file_writer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "postfix_queue/dsn_text.h"
#include "postfix_queue/record.h"

namespace waypost::postfix_queue {
namespace {

// Of the sixth number of the size record. Postfix bounces mail at a server without SMTPUTF8 when its sender asked for
// it and it is needed as well, of which it sees by itself what recipients need.
constexpr std::uint64_t kUtf8Requested = 1, kUtf8Header = 2, kUtf8Sender = 4;

std::int64_t seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void put_attribute(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) put_record(out, RecordType::attribute, fmt::format("{}={}", name, value));
}

bool has_eight_bit(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c >= 0x80; });
}

bool is_pending(const mail::Progress& progress, std::size_t i) {
  return i >= progress.recipients.size() || progress.recipients[i].state == mail::RecipientState::pending;
}

}  // namespace

QueueFileWriter::QueueFileWriter(const mail::Envelope& envelope, const mail::Progress& progress,
                                 std::optional<WallTime> warn_at)
    : envelope_(envelope), progress_(progress), warn_at_(warn_at) {}

std::string QueueFileWriter::start() {
  std::string out = size_record();
  const auto microseconds = envelope_.arrival.time_since_epoch().count() % 1'000'000;
  put_record(out, RecordType::arrival, fmt::format("{} {}", seconds(envelope_.arrival), microseconds));
  put_attributes(out);
  put_record(out, RecordType::sender, envelope_.sender);
  put_attribute(out, "envelope_id", decode_envid(envelope_.dsn_envid));
  if (envelope_.dsn_return != mail::DsnReturn::unspecified)
    put_attribute(out, "ret_flags", envelope_.dsn_return == mail::DsnReturn::full ? "1" : "2");
  if (progress_.delay_notified) {
    put_record(out, RecordType::warning, fmt::format("{:15}", -1));
  } else if (warn_at_ && !envelope_.sender.empty()) {
    put_record(out, RecordType::warning, fmt::format("{:15}", seconds(*warn_at_)));
  }
  put_recipients(out);
  put_record(out, RecordType::message, "");
  content_at_ = out.size();
  return out;
}

void QueueFileWriter::put_attributes(std::string& out) const {
  put_attribute(out, "create_time", std::to_string(seconds(envelope_.arrival)));
  put_attribute(out, "rewrite_context", envelope_.client_address.empty() ? "local" : "remote");
  put_attribute(out, "sasl_method", envelope_.sasl_method);
  put_attribute(out, "sasl_username", envelope_.sasl_username);
  put_attribute(out, "log_client_name", envelope_.client_name);
  put_attribute(out, "log_client_address", envelope_.client_address);
  put_attribute(out, "log_helo_name", envelope_.helo);
  put_attribute(out, "log_protocol_name", envelope_.protocol);
  put_attribute(out, "client_name", envelope_.client_name);
  put_attribute(out, "client_address", envelope_.client_address);
  put_attribute(out, "helo_name", envelope_.helo);
  put_attribute(out, "protocol_name", envelope_.protocol);
}

void QueueFileWriter::put_recipients(std::string& out) {
  for (std::size_t i = 0; i < envelope_.recipients.size(); ++i) {
    const bool pending = is_pending(progress_, i);
    const auto& recipient = envelope_.recipients[i];
    if (recipient.notify != mail::Notify::kNoneGiven)
      put_attribute(out, "notify_flags", std::to_string(recipient.notify));
    options_ |= std::uint64_t{recipient.notify} << 1;
    put_attribute(out, "dsn_orig_rcpt", decode_orcpt(recipient.dsn_orcpt));
    put_record(out, RecordType::original, recipient.original.empty() ? recipient.address : recipient.original);
    if (pending && i < progress_.recipients.size() && !progress_.recipients[i].reason.empty())
      failures_.push_back({recipient.address, out.size(), progress_.recipients[i].dsn, progress_.recipients[i].reason});
    put_record(out, pending ? RecordType::recipient : RecordType::done, recipient.address);
    ++recipients_;
  }
}

// The line, or the piece of one, that stands in text_.
void QueueFileWriter::look_at_header() {
  if (!within_header_) return;
  within_header_ = within_line_ || !text_.empty();
  header_has_eight_bit_ = header_has_eight_bit_ || has_eight_bit(text_);
}

std::uint64_t QueueFileWriter::utf8_flags() const {
  return (envelope_.smtputf8 ? kUtf8Requested : 0) | (header_has_eight_bit_ ? kUtf8Header : 0) |
         (has_eight_bit(envelope_.sender) ? kUtf8Sender : 0);
}

// What stands in text_, as one record: the line, or a piece of it.
void QueueFileWriter::put_text(std::string& out, bool line_ends) {
  look_at_header();
  const auto before = out.size();
  put_record(out, line_ends ? RecordType::line : RecordType::part, text_);
  content_records_ += out.size() - before;
  content_bytes_ += text_.size() + (line_ends ? 1 : 0);
  within_line_ = !line_ends;
  text_.clear();
}

std::string QueueFileWriter::content(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (after_cr_ && c == '\n') {
      after_cr_ = false;
      put_text(out, true);
      continue;
    }
    if (after_cr_) text_.push_back('\r');
    after_cr_ = c == '\r';
    // A line feed on its own would end a line for whoever reads it next; Postfix's cleanup makes it a blank too.
    if (!after_cr_) text_.push_back(c == '\n' ? ' ' : c);
    if (text_.size() >= kMaxTextRecord) put_text(out, false);
  }
  return out;
}

std::string QueueFileWriter::finish() {
  std::string out;
  if (after_cr_) text_.push_back('\r');
  after_cr_ = false;
  // No content at all would make a size record that the queue manager takes for a damaged one.
  if (!text_.empty() || within_line_ || content_records_ == 0) put_text(out, true);
  put_record(out, RecordType::extracted, "");
  if (envelope_.encoding != mail::BodyEncoding::unspecified)
    put_attribute(out, "encoding", envelope_.encoding == mail::BodyEncoding::eight_bit_mime ? "8bit" : "7bit");
  put_record(out, RecordType::end, "");
  return out;
}

std::string QueueFileWriter::size_record() const {
  std::string out;
  put_record(out, RecordType::size,
             fmt::format("{:15} {:15} {:15} {:15} {:15} {:15}", content_records_, content_at_, recipients_, options_,
                         content_bytes_, utf8_flags()));
  return out;
}

}  // namespace waypost::postfix_queue
