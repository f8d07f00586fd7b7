#include "mail/header_scan.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace waypost::mail {

namespace {

// Of an unfinished line so much is kept: a Message-ID and any field name fit.
constexpr std::size_t kPartialLimit = 2048;
constexpr std::size_t kMaxNameLength = 255;

struct Known {
  std::string_view name;
  HeaderName id;
};
constexpr std::array kKnown = {
    Known{"from", HeaderName::from},
    Known{"sender", HeaderName::sender},
    Known{"reply-to", HeaderName::reply_to},
    Known{"to", HeaderName::to},
    Known{"cc", HeaderName::cc},
    Known{"bcc", HeaderName::bcc},
    Known{"date", HeaderName::date},
    Known{"message-id", HeaderName::message_id},
    Known{"subject", HeaderName::subject},
    Known{"received", HeaderName::received},
    Known{"return-path", HeaderName::return_path},
    Known{"content-length", HeaderName::content_length},
    Known{"mime-version", HeaderName::mime_version},
    Known{"content-type", HeaderName::content_type},
    Known{"content-transfer-encoding", HeaderName::content_transfer_encoding},
    Known{"resent-from", HeaderName::resent_from},
    Known{"resent-sender", HeaderName::resent_sender},
    Known{"resent-to", HeaderName::resent_to},
    Known{"resent-cc", HeaderName::resent_cc},
    Known{"resent-bcc", HeaderName::resent_bcc},
    Known{"resent-date", HeaderName::resent_date},
    Known{"resent-message-id", HeaderName::resent_message_id},
};

HeaderName classify(std::string_view name) {
  for (const Known& known : kKnown) {
    if (known.name.size() == name.size() && iequals(known.name, name)) return known.id;
  }
  return HeaderName::other;
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The length of the field name at the start of `line`; nullopt when the line is no field. RFC 5322 §2.2: printable
// ASCII but colon; §4.5: blanks before the colon are obsolete but read.
std::optional<std::size_t> name_length(std::string_view line, std::size_t& colon) {
  colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::size_t end = colon;
  while (end > 0 && is_blank(line[end - 1])) --end;
  if (end == 0) return std::nullopt;
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  return std::ranges::all_of(line.substr(0, end), printable) ? std::optional(end) : std::nullopt;
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

bool HeaderScan::scan(std::string_view chunk) {
  while (!chunk.empty()) {
    const void* newline = std::memchr(chunk.data(), '\n', chunk.size());
    if (newline == nullptr) {
      partial_.append(chunk.substr(0, kPartialLimit - std::min(partial_.size(), kPartialLimit)));
      partial_raw_ += chunk.size();
      offset_ += chunk.size();
      if (offset_ <= kMaxHeaderSection) return false;
      end_section(offset_ - partial_raw_, offset_ - partial_raw_);
      return true;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - chunk.data()) + 1;
    const std::string_view piece = chunk.substr(0, length);
    const std::uint64_t line_offset = offset_ - partial_raw_;
    bool ended = false;
    if (partial_raw_ == 0) {
      ended = take_line(piece, line_offset, length);
    } else {
      partial_.append(piece.substr(0, kPartialLimit - std::min(partial_.size(), kPartialLimit)));
      ended = take_line(partial_, line_offset, static_cast<std::size_t>(partial_raw_) + length);
      partial_.clear();
      partial_raw_ = 0;
    }
    if (ended) return true;
    offset_ += length;
    chunk.remove_prefix(length);
  }
  return false;
}

void HeaderScan::finish() {
  if (ended_) return;
  if (partial_raw_ > 0) {
    const std::uint64_t line_offset = offset_ - partial_raw_;
    if (take_line(partial_, line_offset, static_cast<std::size_t>(partial_raw_))) return;
  }
  end_section(offset_, offset_);
}

void HeaderScan::reset() { *this = HeaderScan(); }

bool HeaderScan::is_resent() const {
  constexpr auto kFirst = static_cast<unsigned>(HeaderName::resent_from);
  return present_ >> kFirst != 0;
}

bool HeaderScan::take_line(std::string_view line, std::uint64_t offset, std::size_t raw_length) {
  const std::string_view text = without_line_end(line);
  if (text.empty()) {
    end_section(offset, offset + raw_length);
    return true;
  }
  if (offset + raw_length > kMaxHeaderSection) {
    end_section(offset, offset);
    return true;
  }
  if (is_blank(text.front()) && !fields_.empty()) {
    fields_.back().length += static_cast<std::uint32_t>(raw_length);
    add_value(text);
    return false;
  }
  std::size_t colon = 0;
  const auto length = is_blank(text.front()) ? std::nullopt : name_length(text, colon);
  if (!length || fields_.size() == kMaxHeaderFields) {
    end_section(offset, offset);
    return true;
  }
  begin_field(classify(text.substr(0, *length)), *length, offset, raw_length);
  add_value(text.substr(colon + 1));
  return false;
}

void HeaderScan::begin_field(HeaderName name, std::size_t name_length, std::uint64_t offset, std::size_t raw_length) {
  const bool first = !has(name);
  current_ = name;
  present_ |= 1U << static_cast<unsigned>(name);
  if (name == HeaderName::received) ++hops_;
  value_ = nullptr;
  if (first && name == HeaderName::message_id) value_ = &message_id_;
  if (first && name == HeaderName::resent_message_id) value_ = &resent_message_id_;
  fields_.push_back({name, static_cast<std::uint8_t>(std::min(name_length, kMaxNameLength)),
                     static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(raw_length)});
}

void HeaderScan::add_value(std::string_view text) {
  if (value_ == nullptr || value_->size() >= kMaxMessageIdLength) return;
  text = trim(text);
  if (!value_->empty() && !text.empty()) *value_ += ' ';
  value_->append(text.substr(0, kMaxMessageIdLength - std::min(value_->size(), kMaxMessageIdLength)));
}

void HeaderScan::end_section(std::uint64_t fields_end, std::uint64_t body_offset) {
  ended_ = true;
  fields_end_ = fields_end;
  body_offset_ = body_offset;
  partial_ = {};
  value_ = nullptr;
}

}  // namespace waypost::mail
