#include "postfix_queue/queue_file.h"

#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "mail/envelope_codec.h"
#include "postfix_queue/dsn_text.h"

namespace waypost::postfix_queue {
namespace {

using mail::Notify;

std::unexpected<Error> corrupt(std::string_view what, std::uint64_t offset) {
  return fail(Errc::corrupt, fmt::format("{} at offset {}", what, offset));
}

// Blank-separated numbers, as the size record has them; a missing one is 0. nullopt: something else stands there.
template <std::size_t N>
std::optional<std::array<std::uint64_t, N>> numbers(std::string_view text) {
  std::array<std::uint64_t, N> out{};
  std::size_t i = 0;
  for (const auto word : split(text, " ")) {
    const auto number = parse_number(word, INT64_MAX);
    if (!number || i == N) return std::nullopt;
    out[i++] = *number;
  }
  return out;
}

struct Attribute {
  std::string_view name, value;
};

std::optional<Attribute> split_attribute(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return Attribute{trim(text.substr(0, equals)), trim(text.substr(equals + 1))};
}

// A queue file keeps the client's name twice: as it is and, of late, as the log is to show it, which counts.
struct ClientField {
  std::string_view log_name, name;
  std::string mail::Envelope::* field;
};
constexpr std::array kClientFields = {
    ClientField{"log_client_name", "client_name", &mail::Envelope::client_name},
    ClientField{"log_client_address", "client_address", &mail::Envelope::client_address},
    ClientField{"log_helo_name", "helo_name", &mail::Envelope::helo},
    ClientField{"log_protocol_name", "protocol_name", &mail::Envelope::protocol},
    ClientField{"sasl_method", "sasl_method", &mail::Envelope::sasl_method},
    ClientField{"sasl_username", "sasl_username", &mail::Envelope::sasl_username},
};

// Bits of the sixth number of the size record, and of the attribute trace_flags.
// The sender asked for SMTPUTF8; the bits behind it only say where text beyond ASCII was seen, asked for or not.
constexpr std::uint64_t kWantsUtf8 = 0x01, kRequiresTls = 0x20, kProbes = 0x300;

class Walk {
 public:
  Walk(const ByteSource& source, Form form) : records_(source), form_(form) {}

  Result<QueueFile> run() {
    if (auto done = envelope_section(RecordType::message); !done) return std::unexpected(done.error());
    if (auto done = content_section(); !done) return std::unexpected(done.error());
    if (auto done = envelope_section(RecordType::end); !done) return std::unexpected(done.error());
    return finish();
  }

 private:
  Result<> envelope_section(RecordType last);
  Result<> content_section();
  Result<> take(const Record& record);
  Result<> take_size(const Record& record);
  Result<> take_arrival(const Record& record);
  Result<> take_attribute(const Record& record);
  Result<> take_recipient(const Record& record);
  bool take_delivery_status(const Attribute& attribute);
  void take_client(const Attribute& attribute);
  Result<QueueFile> finish();

  RecordReader records_;
  const Form form_;
  QueueFile out_;
  mail::Recipient next_;  // what was said so far about the recipient to come
  std::string redirect_;
  std::optional<std::array<std::uint64_t, 6>> size_;
  bool has_sender_ = false, has_arrival_ = false, has_log_client_ = false;
};

Result<> Walk::envelope_section(RecordType last) {
  while (true) {
    const auto record = records_.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return corrupt("the end record is missing", records_.offset());
    if ((*record)->is(last)) {
      if (last == RecordType::message) out_.content_offset = records_.offset();
      return {};
    }
    if (auto taken = take(**record); !taken) return taken;
  }
}

Result<> Walk::content_section() {
  if (size_ && (*size_)[1] > 0 && (*size_)[1] != out_.content_offset)
    return corrupt("a size record that does not fit the content", 0);
  bool within_line = false;
  while (true) {
    const auto record = records_.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return corrupt("the end of the content is missing", records_.offset());
    if ((*record)->is(RecordType::extracted)) break;
    if (!(*record)->is(RecordType::line) && !(*record)->is(RecordType::part))
      return corrupt(fmt::format("a record of type {} within the content", static_cast<int>((*record)->type)),
                     (*record)->offset);
    within_line = (*record)->is(RecordType::part);
    out_.content_size += (*record)->data.size() + (within_line ? 0 : 2);
  }
  if (within_line) out_.content_size += 2;
  return {};
}

Result<> Walk::take(const Record& record) {
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::size:
      return take_size(record);
    case RecordType::arrival:
      return take_arrival(record);
    case RecordType::attribute:
      return take_attribute(record);
    case RecordType::recipient:
    case RecordType::done:
    case RecordType::cancelled:
      return take_recipient(record);
    case RecordType::sender:
      if (!has_sender_) out_.envelope.sender = record.data;
      has_sender_ = true;
      return {};
    case RecordType::original:
      next_.original = record.data;
      return {};
    case RecordType::full_name:
      out_.full_name = record.data;
      return {};
    case RecordType::filter:
      out_.filter = record.data;
      return {};
    case RecordType::redirect:
      redirect_ = record.data;
      return {};
    case RecordType::verp:
      out_.verp = record.data;
      return {};
    case RecordType::warning:
      out_.delay_told = trim(record.data).starts_with('-');
      return {};
    case RecordType::created:
    case RecordType::inspector:
    case RecordType::killed:
    case RecordType::receipt_to:
    case RecordType::errors_to:
    case RecordType::priority:
      return {};  // no bearing on the delivery
    default:
      return corrupt(fmt::format("a record of type {} within the envelope", static_cast<int>(record.type)),
                     record.offset);
  }
}

Result<> Walk::take_size(const Record& record) {
  if (form_ == Form::dropped || size_) return {};  // what a user may write is not believed
  size_ = numbers<6>(record.data);
  if (!size_) return corrupt("a malformed size record", record.offset);
  out_.envelope.smtputf8 = ((*size_)[5] & kWantsUtf8) != 0;
  out_.requires_tls = ((*size_)[5] & kRequiresTls) != 0;
  return {};
}

Result<> Walk::take_arrival(const Record& record) {
  const auto time = numbers<2>(record.data);
  constexpr std::uint64_t kMaxSeconds = std::uint64_t{1} << 40;
  if (!time || (*time)[0] > kMaxSeconds || (*time)[1] > 999'999)
    return corrupt("a malformed arrival time", record.offset);
  if (has_arrival_) return {};
  has_arrival_ = true;
  out_.envelope.arrival = WallTime{std::chrono::seconds((*time)[0]) + std::chrono::microseconds((*time)[1])};
  return {};
}

Result<> Walk::take_attribute(const Record& record) {
  const auto attribute = split_attribute(record.data);
  if (!attribute) return corrupt("a malformed attribute", record.offset);
  if (take_delivery_status(*attribute)) return {};
  if (attribute->name == "encoding") {
    out_.envelope.encoding = attribute->value == "8bit"   ? mail::BodyEncoding::eight_bit_mime
                             : attribute->value == "7bit" ? mail::BodyEncoding::seven_bit
                                                          : mail::BodyEncoding::unspecified;
  } else if (attribute->name == "trace_flags") {
    out_.is_probe = (parse_number(attribute->value, UINT32_MAX).value_or(0) & kProbes) != 0;
  } else {
    take_client(*attribute);
  }
  return {};
}

// RFC 3461, as the file has it: decoded. Malformed numbers are passed over, as by Postfix.
bool Walk::take_delivery_status(const Attribute& attribute) {
  if (attribute.name == "dsn_orig_rcpt") {
    next_.dsn_orcpt = encode_orcpt(attribute.value);
  } else if (attribute.name == "notify_flags") {
    const auto bits =
        parse_number(attribute.value, Notify::kNever | Notify::kSuccess | Notify::kFailure | Notify::kDelay);
    next_.notify = static_cast<std::uint8_t>(bits.value_or(Notify::kNoneGiven));
  } else if (attribute.name == "envelope_id") {
    out_.envelope.dsn_envid = encode_envid(attribute.value);
  } else if (attribute.name == "ret_flags") {
    if (attribute.value == "1") out_.envelope.dsn_return = mail::DsnReturn::full;
    if (attribute.value == "2") out_.envelope.dsn_return = mail::DsnReturn::headers;
  } else {
    return false;
  }
  return true;
}

void Walk::take_client(const Attribute& attribute) {
  for (const auto& [log_name, name, field] : kClientFields) {
    if (attribute.name == log_name) {
      out_.envelope.*field = attribute.value;
      has_log_client_ = has_log_client_ || log_name != name;
    } else if (attribute.name == name && !has_log_client_) {
      out_.envelope.*field = attribute.value;
    }
  }
}

Result<> Walk::take_recipient(const Record& record) {
  if (out_.pending.size() + out_.finished.size() == mail::kMaxEncodedRecipients)
    return corrupt("too many recipients", record.offset);
  FileRecipient recipient{std::exchange(next_, {}), record.offset};
  recipient.recipient.address = record.data;
  if (recipient.recipient.original == record.data) recipient.recipient.original.clear();
  auto& list = record.is(RecordType::recipient) ? out_.pending : out_.finished;
  if (!record.is(RecordType::cancelled)) list.push_back(std::move(recipient));
  return {};
}

Result<QueueFile> Walk::finish() {
  if (!has_sender_) return fail(Errc::corrupt, "the sender is missing");
  if (form_ == Form::complete) {
    if (!size_) return fail(Errc::corrupt, "the size record is missing");
    if (!has_arrival_) return fail(Errc::corrupt, "the arrival time is missing");
    if ((*size_)[1] == 0) return fail(Errc::corrupt, "the size record was never filled in");
  }
  if (!redirect_.empty() && !out_.pending.empty()) {  // one copy, whatever was asked for
    out_.pending.resize(1);
    auto& recipient = out_.pending.front().recipient;
    if (recipient.original.empty()) recipient.original = std::exchange(recipient.address, redirect_);
    recipient.address = redirect_;
  }
  return std::move(out_);
}

}  // namespace

Result<QueueFile> read_queue_file(const ByteSource& source, Form form) { return Walk(source, form).run(); }

Result<std::string> ContentReader::read(std::size_t wanted) {
  std::string out;
  while (!at_end_ && out.size() < wanted) {
    const auto record = records_.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return fail(Errc::corrupt, "the end of the content is missing");
    at_end_ = (*record)->is(RecordType::extracted);
    if (at_end_) {
      if (within_line_) out += "\r\n";
      break;
    }
    out += (*record)->data;
    within_line_ = (*record)->is(RecordType::part);
    if (!within_line_) out += "\r\n";
  }
  return out;
}

}  // namespace waypost::postfix_queue
