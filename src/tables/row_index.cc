#include "tables/row_index.h"

#include <cstring>
#include <functional>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kFirstSlots = 16;

}  // namespace

RowIndex::Lengths RowIndex::lengths_at(std::size_t at) const {
  Lengths lengths;
  std::memcpy(&lengths, arena_.data() + at, sizeof lengths);
  return lengths;
}

std::string_view RowIndex::key_at(std::size_t at) const {
  return std::string_view(arena_).substr(at + sizeof(Lengths), lengths_at(at).key);
}

std::string_view RowIndex::value_at(std::size_t at) const {
  const Lengths lengths = lengths_at(at);
  return std::string_view(arena_).substr(at + sizeof(Lengths) + lengths.key, lengths.value);
}

std::size_t RowIndex::next_of(std::size_t at) const {
  const Lengths lengths = lengths_at(at);
  return at + sizeof(Lengths) + lengths.key + lengths.value;
}

// Linear probing; at most three of four slots are in use, so an empty one ends every search.
std::size_t RowIndex::slot_of(std::string_view key) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(key)&mask;
  while (slots_[slot] != kEmpty && key_at(slots_[slot]) != key) slot = (slot + 1) & mask;
  return slot;
}

void RowIndex::grow() {
  std::vector<std::uint32_t> old(slots_.empty() ? kFirstSlots : slots_.size() * 2, kEmpty);
  slots_.swap(old);
  for (const std::uint32_t at : old) {
    if (at != kEmpty) slots_[slot_of(key_at(at))] = at;
  }
}

RowIndex::Added RowIndex::append(std::size_t slot, std::string_view key, std::string_view value) {
  const std::size_t at = arena_.size();
  if (at + sizeof(Lengths) + key.size() + value.size() >= kMaxArenaBytes) return Added::full;
  const Lengths lengths{static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size())};
  char raw[sizeof lengths];
  std::memcpy(raw, &lengths, sizeof lengths);
  arena_.append(raw, sizeof raw).append(key).append(value);
  slots_[slot] = static_cast<std::uint32_t>(at);
  return Added::yes;
}

RowIndex::Added RowIndex::add(std::string_view key, std::string_view value) {
  if ((rows_ + 1) * 4 > slots_.size() * 3) grow();
  const std::size_t slot = slot_of(key);
  if (slots_[slot] != kEmpty) return Added::duplicate;
  const Added added = append(slot, key, value);
  if (added == Added::yes) ++rows_;
  return added;
}

RowIndex::Added RowIndex::put(std::string_view key, std::string_view value) {
  const Added added = add(key, value);
  return added == Added::duplicate ? append(slot_of(key), key, value) : added;
}

void RowIndex::shrink() { arena_.shrink_to_fit(); }

std::optional<std::string_view> RowIndex::get(std::string_view key) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t at = slots_[slot_of(key)];
  if (at == kEmpty) return std::nullopt;
  return value_at(at);
}

Lookup RowIndex::find(std::string_view key) const {
  const auto value = get(to_lower(key));
  if (!value) return std::nullopt;
  return std::string(*value);
}

}  // namespace waypost::tables
