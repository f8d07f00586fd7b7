#include "postfix_queue/record.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::postfix_queue {
namespace {

constexpr std::size_t kWindowBytes = std::size_t{64} << 10;
constexpr unsigned char kMore = 0x80;

struct Name {
  RecordType type;
  std::string_view name;
};
constexpr std::array kNames = {
    Name{RecordType::size, "message_size"},
    Name{RecordType::arrival, "message_arrival_time"},
    Name{RecordType::created, "queue_file_create_time"},
    Name{RecordType::full_name, "sender_fullname"},
    Name{RecordType::inspector, "content_inspector"},
    Name{RecordType::filter, "content_filter"},
    Name{RecordType::sender, "sender"},
    Name{RecordType::done, "done_recipient"},
    Name{RecordType::cancelled, "canceled_recipient"},
    Name{RecordType::recipient, "recipient"},
    Name{RecordType::original, "original_recipient"},
    Name{RecordType::warning, "warning_message_time"},
    Name{RecordType::attribute, "named_attribute"},
    Name{RecordType::pointer, "pointer_record"},
    Name{RecordType::killed, "killed_record"},
    Name{RecordType::message, "message_content"},
    Name{RecordType::line, "regular_text"},
    Name{RecordType::padding, "padding"},
    Name{RecordType::extracted, "extracted_info"},
    Name{RecordType::receipt_to, "return_receipt"},
    Name{RecordType::errors_to, "errors_to"},
    Name{RecordType::priority, "priority"},
    Name{RecordType::verp, "verp_delimiters"},
    Name{RecordType::end, "message_end"},
    Name{RecordType::redirect, "redirect_to"},
    Name{RecordType::flags, "flags"},
    Name{RecordType::dsn_return, "dsn_return_flags"},
    Name{RecordType::dsn_envid, "dsn_envelope_id"},
    Name{RecordType::dsn_orcpt, "dsn_original_recipient"},
    Name{RecordType::dsn_notify, "dsn_notify_flags"},
};

std::unexpected<Error> corrupt(std::string_view what, std::uint64_t offset) {
  return fail(Errc::corrupt, fmt::format("{} at offset {}", what, offset));
}

}  // namespace

std::string_view record_name(char type) {
  const auto* found = std::ranges::find(kNames, static_cast<RecordType>(type), &Name::type);
  return found == kNames.end() ? "unknown_record_type" : found->name;
}

void put_record(std::string& out, RecordType type, std::string_view data) {
  out.push_back(static_cast<char>(type));
  std::size_t rest = data.size();
  do {
    const auto bits = static_cast<unsigned char>(rest & 0x7f);
    rest >>= 7U;
    out.push_back(static_cast<char>(rest > 0 ? bits | kMore : bits));
  } while (rest > 0);
  out.append(data);
}

Result<std::string> StringSource::read(std::uint64_t offset, std::size_t limit) const {
  return offset < bytes_.size() ? std::string(bytes_.substr(offset, limit)) : std::string();
}

// The next `size` bytes, or as many as there are.
Result<std::string> RecordReader::take(std::size_t size) {
  const bool inside = at_ >= window_at_ && at_ - window_at_ + size <= window_.size();
  if (!inside) {
    auto read = source_.read(at_, std::max(size, kWindowBytes));
    if (!read) return std::unexpected(read.error());
    window_ = std::move(*read);
    window_at_ = at_;
  }
  auto bytes = window_.substr(at_ - window_at_, size);
  at_ += bytes.size();
  walked_ += bytes.size();
  return bytes;
}

Result<std::optional<Record>> RecordReader::next_raw() {
  Record record;
  record.offset = at_;
  auto type = take(1);
  if (!type) return std::unexpected(type.error());
  if (type->empty()) return std::optional<Record>();
  record.type = type->front();
  std::size_t size = 0;
  for (std::size_t i = 0;; ++i) {
    if (i == kMaxLengthBytes) return corrupt("a record length of too many bytes", record.offset);
    const auto byte = take(1);
    if (!byte) return std::unexpected(byte.error());
    if (byte->empty()) return corrupt("the file ends within a record", record.offset);
    const auto bits = static_cast<unsigned char>(byte->front());
    size |= static_cast<std::size_t>(bits & 0x7f) << (7 * i);
    if ((bits & kMore) == 0) break;
  }
  if (size > kMaxRecordBytes || size > source_.size()) return corrupt("an impossible record length", record.offset);
  auto data = take(size);
  if (!data) return std::unexpected(data.error());
  if (data->size() != size) return corrupt("the file ends within a record", record.offset);
  if (walked_ > source_.size()) return corrupt("records in a circle", record.offset);
  record.data = std::move(*data);
  return record;
}

Result<> RecordReader::follow(const Record& pointer) {
  const auto target = parse_number(trim(pointer.data));
  if (!target || *target >= source_.size()) return corrupt("a pointer that leads nowhere", pointer.offset);
  if (*target > 0) at_ = *target;
  return {};
}

Result<std::optional<Record>> RecordReader::next() {
  while (true) {
    auto record = next_raw();
    if (!record || !*record) return record;
    if ((*record)->is(RecordType::pointer)) {
      if (auto followed = follow(**record); !followed) return std::unexpected(followed.error());
    } else if (!(*record)->is(RecordType::padding)) {
      return record;
    }
  }
}

}  // namespace waypost::postfix_queue
