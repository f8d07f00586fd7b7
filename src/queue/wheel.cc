#include "queue/wheel.h"

#include <algorithm>
#include <bit>

namespace waypost::queue {

namespace {
constexpr std::uint32_t kWordBits = 64;
}  // namespace

void Wheel::insert(Entries& entries, std::uint32_t entry, std::uint32_t due_s) {
  due_s = std::max(due_s, now_ + 1);
  entries[entry].due_s = due_s;
  const std::uint32_t slot = due_s % kSlots;
  slots_[slot].push_back(entries, entry);
  occupied_[slot / kWordBits] |= std::uint64_t{1} << (slot % kWordBits);
  ++size_;
}

void Wheel::erase(Entries& entries, std::uint32_t entry) {
  const std::uint32_t slot = entries[entry].due_s % kSlots;
  slots_[slot].erase(entries, entry);
  if (slots_[slot].empty()) occupied_[slot / kWordBits] &= ~(std::uint64_t{1} << (slot % kWordBits));
  --size_;
}

std::optional<std::uint32_t> Wheel::next_s() const {
  if (size_ == 0) return std::nullopt;
  const std::uint32_t first = (now_ + 1) % kSlots;
  for (std::uint32_t ahead = 0; ahead < kSlots;) {
    const std::uint32_t slot = (first + ahead) % kSlots;
    const std::uint64_t word = occupied_[slot / kWordBits] >> (slot % kWordBits);
    if (word != 0) return now_ + 1 + ahead + static_cast<std::uint32_t>(std::countr_zero(word));
    ahead += kWordBits - slot % kWordBits;
  }
  // The first word again, up to where the search began.
  return now_ + kSlots;
}

}  // namespace waypost::queue
