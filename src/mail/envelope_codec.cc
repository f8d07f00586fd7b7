#include "mail/envelope_codec.h"

#include <algorithm>
#include <utility>

namespace waypost::mail {

namespace {

constexpr std::uint64_t kEnvelopeVersion = 1;
constexpr std::uint64_t kProgressVersion = 1;
constexpr unsigned kVarintBits = 7;
constexpr unsigned kVarintMaxShift = 63;
constexpr std::uint8_t kNotifyBits = Notify::kNever | Notify::kSuccess | Notify::kFailure | Notify::kDelay;
// The smallest encodings of a list element: a count that could not fit the bytes left is refused before allocating.
constexpr std::size_t kLeastRecipientBytes = 4;
constexpr std::size_t kLeastProgressBytes = 3;

constexpr std::uint64_t kHeld = 1, kDelayNotified = 2, kForceExpire = 4, kAllProgressFlags = 7;

void put_string(std::string& out, std::string_view text) {
  text = text.substr(0, kMaxEncodedString);
  put_varint(out, text.size());
  out.append(text);
}

void put_time(std::string& out, WallTime time) {
  const std::int64_t value = time.time_since_epoch().count();
  put_varint(out, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

// Reads front to back; after the first failure everything reads as zero and ok() is false.
class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t number(std::uint64_t max = UINT64_MAX) {
    const auto value = take_varint(rest_);
    if (!value || *value > max) return refuse(), 0;
    return *value;
  }
  std::string string() {
    const std::uint64_t size = number(kMaxEncodedString);
    if (size > rest_.size()) return refuse(), std::string();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  WallTime time() {
    const std::uint64_t coded = number();
    return WallTime(Duration(static_cast<std::int64_t>((coded >> 1) ^ (~(coded & 1) + 1))));
  }
  bool flag() { return number(1) == 1; }
  // A count of elements of at least `least` bytes each.
  std::size_t count(std::size_t least) {
    const std::uint64_t value = number(kMaxEncodedRecipients);
    if (value > rest_.size() / least) return refuse(), 0;
    return value;
  }
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && rest_.empty(); }

 private:
  void refuse() {
    ok_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

void put_recipient(std::string& out, const Recipient& recipient) {
  put_string(out, recipient.address);
  put_string(out, recipient.original);
  put_string(out, recipient.dsn_orcpt);
  put_varint(out, recipient.notify & kNotifyBits);
}

Recipient take_recipient(Decoder& in) {
  Recipient recipient;
  recipient.address = in.string();
  recipient.original = in.string();
  recipient.dsn_orcpt = in.string();
  recipient.notify = static_cast<std::uint8_t>(in.number(kNotifyBits));
  return recipient;
}

}  // namespace

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= kVarintBits;
  }
  out.push_back(static_cast<char>(value));
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0, i = 0; i < bytes.size() && shift <= kVarintMaxShift; ++i, shift += kVarintBits) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (shift == kVarintMaxShift && byte > 1) return std::nullopt;
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte >= 0x80) continue;
    if (byte == 0 && i > 0) return std::nullopt;  // one number, one encoding
    bytes.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

std::string encode(const Envelope& envelope) {
  std::string out;
  out.reserve(128 + 64 * envelope.recipients.size());
  put_varint(out, kEnvelopeVersion);
  put_varint(out, envelope.id.bits());
  put_time(out, envelope.arrival);
  put_string(out, envelope.sender);
  for (const std::string* text : {&envelope.client_name, &envelope.client_address, &envelope.helo, &envelope.protocol,
                                  &envelope.sasl_method, &envelope.sasl_username, &envelope.dsn_envid})
    put_string(out, *text);
  put_varint(out, static_cast<std::uint64_t>(envelope.dsn_return));
  put_varint(out, static_cast<std::uint64_t>(envelope.encoding));
  put_varint(out, envelope.smtputf8 ? 1 : 0);
  const std::size_t recipients = std::min(envelope.recipients.size(), kMaxEncodedRecipients);
  put_varint(out, recipients);
  for (std::size_t i = 0; i < recipients; ++i) put_recipient(out, envelope.recipients[i]);
  return out;
}

Result<Envelope> decode_envelope(std::string_view bytes) {
  Decoder in(bytes);
  if (in.number() != kEnvelopeVersion) return fail(Errc::corrupt, "envelope of an unknown version");
  Envelope envelope;
  envelope.id = QueueId::from_bits(in.number());
  envelope.arrival = in.time();
  envelope.sender = in.string();
  for (std::string* text : {&envelope.client_name, &envelope.client_address, &envelope.helo, &envelope.protocol,
                            &envelope.sasl_method, &envelope.sasl_username, &envelope.dsn_envid})
    *text = in.string();
  envelope.dsn_return = static_cast<DsnReturn>(in.number(static_cast<std::uint64_t>(DsnReturn::headers)));
  envelope.encoding = static_cast<BodyEncoding>(in.number(static_cast<std::uint64_t>(BodyEncoding::eight_bit_mime)));
  envelope.smtputf8 = in.flag();
  const std::size_t recipients = in.count(kLeastRecipientBytes);
  envelope.recipients.reserve(recipients);
  for (std::size_t i = 0; i < recipients && in.ok(); ++i) envelope.recipients.push_back(take_recipient(in));
  if (!in.finished()) return fail(Errc::corrupt, "envelope does not decode");
  return envelope;
}

std::string encode(const Progress& progress) {
  std::string out;
  out.reserve(32 + 48 * progress.recipients.size());
  put_varint(out, kProgressVersion);
  put_time(out, progress.next_attempt);
  put_varint(out, progress.attempts);
  put_varint(out, (progress.held ? kHeld : 0) | (progress.delay_notified ? kDelayNotified : 0) |
                      (progress.force_expire ? kForceExpire : 0));
  const std::size_t recipients = std::min(progress.recipients.size(), kMaxEncodedRecipients);
  put_varint(out, recipients);
  for (std::size_t i = 0; i < recipients; ++i) {
    put_varint(out, static_cast<std::uint64_t>(progress.recipients[i].state));
    put_string(out, progress.recipients[i].dsn);
    put_string(out, progress.recipients[i].reason);
  }
  return out;
}

Result<Progress> decode_progress(std::string_view bytes) {
  Decoder in(bytes);
  if (in.number() != kProgressVersion) return fail(Errc::corrupt, "delivery state of an unknown version");
  Progress progress;
  progress.next_attempt = in.time();
  progress.attempts = static_cast<std::uint32_t>(in.number(UINT32_MAX));
  const std::uint64_t flags = in.number(kAllProgressFlags);
  progress.held = (flags & kHeld) != 0;
  progress.delay_notified = (flags & kDelayNotified) != 0;
  progress.force_expire = (flags & kForceExpire) != 0;
  const std::size_t recipients = in.count(kLeastProgressBytes);
  progress.recipients.reserve(recipients);
  for (std::size_t i = 0; i < recipients && in.ok(); ++i) {
    RecipientProgress one;
    one.state = static_cast<RecipientState>(in.number(static_cast<std::uint64_t>(RecipientState::bounced)));
    one.dsn = in.string();
    one.reason = in.string();
    progress.recipients.push_back(std::move(one));
  }
  if (!in.finished()) return fail(Errc::corrupt, "delivery state does not decode");
  return progress;
}

}  // namespace waypost::mail
