#include "dns/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::dns {

namespace {

constexpr std::uint16_t kClassIn = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::size_t kHeaderBytes = 12;
constexpr unsigned kPointerMark = 0xc0;
constexpr unsigned kRcodeNxdomain = 3;

// Reads forward through a message; every read is checked, and a failed one makes all later ones fail.
class Reader {
 public:
  explicit Reader(std::string_view message, std::size_t position = 0) : message_(message), position_(position) {}

  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }

  std::uint8_t u8() { return take(1) ? byte(position_ - 1) : std::uint8_t{0}; }
  std::uint16_t u16() {
    if (!take(2)) return 0;
    return static_cast<std::uint16_t>(byte(position_ - 2) << 8 | byte(position_ - 1));
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string_view bytes(std::size_t count) {
    return take(count) ? message_.substr(position_ - count, count) : std::string_view();
  }

  // A name, decompressed, as text without a final dot; "." for the root. Bytes that host names do not have are escaped
  // as \DDD, so that text is never mistaken for structure.
  std::string name() {
    std::string text;
    std::size_t here = position_;
    std::size_t wire_bytes = 1;
    bool jumped = false;
    // A pointer must lead to before the run of labels that it ends: so every jump goes back, and there is an end.
    std::size_t limit = here;
    while (ok_) {
      if (here >= message_.size()) return failed();
      const unsigned length = byte(here);
      if (length >= kPointerMark) {
        if (here + 1 >= message_.size()) return failed();
        const std::size_t target = (length & ~kPointerMark) << 8 | byte(here + 1);
        if (!jumped) position_ = here + 2;
        jumped = true;
        if (target >= limit) return failed();
        limit = here = target;
        continue;
      }
      if (length > kMaxLabelBytes || here + 1 + length > message_.size()) return failed();
      if (length == 0) {
        if (!jumped) position_ = here + 1;
        break;
      }
      wire_bytes += 1 + length;
      if (wire_bytes > kMaxNameBytes) return failed();
      if (!text.empty()) text += '.';
      append_label(text, message_.substr(here + 1, length));
      here += 1 + length;
    }
    return text.empty() ? "." : text;
  }

 private:
  bool take(std::size_t count) {
    ok_ = ok_ && count <= message_.size() - position_;
    if (ok_) position_ += count;
    return ok_;
  }
  std::uint8_t byte(std::size_t at) const { return static_cast<std::uint8_t>(message_[at]); }
  std::string failed() {
    ok_ = false;
    return {};
  }
  static void append_label(std::string& text, std::string_view label) {
    for (const char c : label) {
      const bool plain = c > ' ' && c <= '~' && c != '.' && c != '\\';
      if (plain) {
        text += c;
      } else {
        text += fmt::format("\\{:03}", static_cast<unsigned char>(c));
      }
    }
  }

  std::string_view message_;
  std::size_t position_;
  bool ok_ = true;
};

struct Record {
  std::string owner;
  std::uint16_t type = 0;
  std::uint32_t ttl_s = 0;
  std::size_t data_begin = 0;
  std::size_t data_bytes = 0;
};

struct Message {
  unsigned rcode = 0;
  std::vector<Record> answers;
};

std::optional<Message> read_message(std::string_view bytes) {
  if (bytes.size() > kMaxMessageBytes) return std::nullopt;
  Reader reader(bytes);
  Message message;
  reader.u16();  // id
  const std::uint16_t flags = reader.u16();
  message.rcode = flags & 15U;
  const std::uint16_t questions = reader.u16();
  const std::uint16_t answers = reader.u16();
  reader.u32();  // authority and additional records: not looked at
  const bool is_response = (flags & 0x8000U) != 0;
  if (!reader.ok() || !is_response || questions > 1 || answers > kMaxAnswerRecords) return std::nullopt;
  for (int i = 0; i < questions; ++i) {
    reader.name();
    reader.u32();
  }
  for (int i = 0; i < answers && reader.ok(); ++i) {
    Record record;
    record.owner = reader.name();
    record.type = reader.u16();
    const std::uint16_t record_class = reader.u16();
    record.ttl_s = reader.u32();
    record.data_bytes = reader.u16();
    record.data_begin = reader.position();
    reader.bytes(record.data_bytes);
    if (record_class == kClassIn) message.answers.push_back(std::move(record));
  }
  if (!reader.ok()) return std::nullopt;
  return message;
}

std::string address_text(int family, std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, bytes.data(), text, sizeof text);
  return text;
}

// RFC 1035 §3.3.14: one or more strings, each with its length in front.
bool read_text(Reader& reader, std::size_t end, std::string& out) {
  while (reader.ok() && reader.position() < end) {
    const std::uint8_t length = reader.u8();
    if (reader.position() + length > end) return false;
    out += reader.bytes(length);
  }
  return reader.ok();
}

// One record's data into the answer. False when it does not fit its type, or ends elsewhere than its length says.
bool read_record(std::string_view message, const Record& record, Answer& answer) {
  Reader reader(message, record.data_begin);
  const std::size_t end = record.data_begin + record.data_bytes;
  switch (static_cast<Type>(record.type)) {
    case Type::a:
      if (record.data_bytes != sizeof(in_addr)) return false;
      answer.addresses.push_back(address_text(AF_INET, reader.bytes(sizeof(in_addr))));
      break;
    case Type::aaaa:
      if (record.data_bytes != sizeof(in6_addr)) return false;
      answer.addresses.push_back(address_text(AF_INET6, reader.bytes(sizeof(in6_addr))));
      break;
    case Type::mx: {
      MxRecord& mx = answer.mx.emplace_back();
      mx.preference = reader.u16();
      mx.host = reader.name();
      break;
    }
    case Type::ptr:
      answer.names.push_back(reader.name());
      break;
    case Type::txt:
      if (!read_text(reader, end, answer.texts.emplace_back())) return false;
      break;
    case Type::srv: {
      SrvRecord& srv = answer.srv.emplace_back();
      srv.priority = reader.u16();
      srv.weight = reader.u16();
      srv.port = reader.u16();
      srv.target = reader.name();
      break;
    }
    case Type::tlsa: {
      TlsaRecord& tlsa = answer.tlsa.emplace_back();
      if (record.data_bytes < 3) return false;
      tlsa.usage = reader.u8();
      tlsa.selector = reader.u8();
      tlsa.matching = reader.u8();
      tlsa.data = reader.bytes(record.data_bytes - 3);
      break;
    }
  }
  return reader.ok() && reader.position() == end;
}

// Where the CNAMEs lead from `name`; nullopt when one is damaged or they run in a circle. RFC 1034 §3.6.2.
std::optional<std::string> follow_cnames(std::string_view message, const Message& parsed, std::string name,
                                         std::uint32_t& ttl_s) {
  for (std::size_t i = 0; i <= kMaxCnames; ++i) {
    const auto found = std::ranges::find_if(
        parsed.answers, [&](const Record& record) { return record.type == kTypeCname && iequals(record.owner, name); });
    if (found == parsed.answers.end()) return name;
    Reader reader(message, found->data_begin);
    name = reader.name();
    if (!reader.ok() || reader.position() != found->data_begin + found->data_bytes) return std::nullopt;
    ttl_s = std::min(ttl_s, found->ttl_s);
  }
  return std::nullopt;
}

std::string_view without_final_dot(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return name;
}

}  // namespace

Answer parse_response(std::string_view message, std::string_view name, Type type) {
  const auto parsed = read_message(message);
  if (!parsed) return failed_answer(Status::malformed, name, type);
  if (parsed->rcode != 0 && parsed->rcode != kRcodeNxdomain) return failed_answer(Status::temporary, name, type);
  Answer answer;
  answer.ttl_s = std::numeric_limits<std::uint32_t>::max();
  auto canonical = follow_cnames(message, *parsed, std::string(without_final_dot(name)), answer.ttl_s);
  if (!canonical) return failed_answer(Status::malformed, name, type);
  if (parsed->rcode == kRcodeNxdomain) return failed_answer(Status::nxdomain, name, type);
  bool any = false;
  for (const Record& record : parsed->answers) {
    if (record.type != static_cast<std::uint16_t>(type) || !iequals(record.owner, *canonical)) continue;
    if (!read_record(message, record, answer)) return failed_answer(Status::malformed, name, type);
    answer.ttl_s = std::min(answer.ttl_s, record.ttl_s);
    any = true;
  }
  if (!any) return failed_answer(Status::no_data, name, type);
  answer.status = Status::ok;
  answer.canonical_name = std::move(*canonical);
  return answer;
}

Result<std::string> encode_name(std::string_view name) {
  const auto bad = [&] { return fail(Errc::invalid, fmt::format("not a domain name: \"{}\"", printable(name, 100))); };
  std::string out;
  if (name == ".") return std::string(1, '\0');
  std::string_view rest = without_final_dot(name);
  while (true) {
    const auto dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    const bool plain = std::ranges::all_of(label, [](char c) { return c > ' ' && c <= '~' && c != '\\' && c != '"'; });
    if (label.empty() || label.size() > kMaxLabelBytes || !plain) return bad();
    out += static_cast<char>(label.size());
    out += label;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  out += '\0';
  if (out.size() > kMaxNameBytes) return bad();
  return out;
}

Result<std::string> make_query(std::uint16_t id, std::string_view name, Type type) {
  const auto wire = encode_name(name);
  if (!wire) return std::unexpected(wire.error());
  const auto put16 = [](std::string& out, unsigned value) {
    out += static_cast<char>(value >> 8 & 0xff);
    out += static_cast<char>(value & 0xff);
  };
  constexpr unsigned kRecursionDesired = 0x0100;
  std::string out;
  out.reserve(kHeaderBytes + wire->size() + 4);
  put16(out, id);
  put16(out, kRecursionDesired);
  put16(out, 1);  // one question
  out.append(6, '\0');
  out += *wire;
  put16(out, static_cast<unsigned>(type));
  put16(out, kClassIn);
  return out;
}

}  // namespace waypost::dns
