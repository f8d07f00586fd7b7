#include "tables/value_list.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/text.h"

namespace waypost::tables {

Result<> ValueList::add(std::string_view value) {
  const auto text = format_.expand_result(value, key_);
  if (!text) return {};
  ++count_;
  if (limit_ > 0 && count_ > limit_) {
    return fail(Errc::unavailable, fmt::format("Expansion limit exceeded for key: '{}'", printable(key_, 100)));
  }
  if (joined_.size() + text->size() >= kMaxBytes) {
    return fail(Errc::unavailable, fmt::format("more than {} bytes for key: '{}'", kMaxBytes, printable(key_, 100)));
  }
  if (count_ > 1) joined_ += ',';
  joined_ += *text;
  return {};
}

void ValueList::clear() {
  count_ = 0;
  joined_.clear();
}

Lookup ValueList::take() {
  if (joined_.empty()) return std::nullopt;
  return std::move(joined_);
}

}  // namespace waypost::tables
