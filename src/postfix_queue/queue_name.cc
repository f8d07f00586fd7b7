#include "postfix_queue/queue_name.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::postfix_queue {
namespace {

constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr std::size_t kSecondDigits = 6, kMicrosecondDigits = 4;
constexpr std::uint64_t kTimeBase = 52, kNumberBase = 51;
constexpr char kSeparator = 'z';

std::optional<std::uint64_t> decode(std::string_view text, std::uint64_t base) {
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit >= base || value > (UINT64_MAX - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return text.empty() ? std::nullopt : std::optional(value);
}

struct LongName {
  std::string_view microseconds, number;
};

std::optional<LongName> split_long(std::string_view name) {
  const auto separator = name.rfind(kSeparator);
  if (separator == std::string_view::npos || separator < kSecondDigits + kMicrosecondDigits) return std::nullopt;
  return LongName{name.substr(separator - kMicrosecondDigits, kMicrosecondDigits), name.substr(separator + 1)};
}

}  // namespace

bool is_queue_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_'; });
}

std::optional<QueueId> to_queue_id(std::string_view name) {
  if (const auto parts = split_long(name)) {
    const auto microseconds = decode(parts->microseconds, kTimeBase), number = decode(parts->number, kNumberBase);
    if (!microseconds || !number || *microseconds > 999'999 || *number >= kMaxTakenNumber) return std::nullopt;
    return QueueId(static_cast<std::uint32_t>(*microseconds), *number);
  }
  const auto id = QueueId::parse(name);
  if (!id || id->number() >= kMaxTakenNumber) return std::nullopt;
  return id;
}

std::string short_name(std::uint32_t microseconds, std::uint64_t inode) {
  return fmt::format("{:05X}{:X}", microseconds % 1'000'000, inode);
}

std::string hash_folder(std::string_view name, unsigned depth) {
  std::string hex;
  if (const auto parts = split_long(name)) {
    hex = fmt::format("{:05X}", decode(parts->microseconds, kTimeBase).value_or(0));
    name = hex;
  }
  std::string out;
  for (unsigned i = 0; i < depth; ++i) {
    out.push_back(i < name.size() ? name[i] : '_');
    out.push_back('/');
  }
  return out;
}

}  // namespace waypost::postfix_queue
