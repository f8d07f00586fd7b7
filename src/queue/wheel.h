// A timing wheel of one-second slots: deferred messages wait in the slot of the second in which they are due. Insertion
// and removal are O(1). Messages that are due beyond the horizon stay in their slot for another turn.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "queue/entry.h"

namespace waypost::queue {

class Wheel {
 public:
  static constexpr std::uint32_t kSlots = 16'384;  // 4.5 hours, more than maximal_backoff_time's default

  explicit Wheel(std::uint32_t now_s) : now_(now_s) {}

  // `due_s` in the past counts as the next second. Entry::due_s belongs to the wheel from here on.
  void insert(Entries& entries, std::uint32_t entry, std::uint32_t due_s);
  void erase(Entries& entries, std::uint32_t entry);
  std::uint32_t size() const { return size_; }

  // Takes out every entry that is due at or before `now_s` and calls each(index). A clock that was set back waits.
  template <class Each>
  void advance(Entries& entries, std::uint32_t now_s, Each&& each) {
    if (now_s <= now_) return;
    const std::uint32_t steps = now_s - now_ < kSlots ? now_s - now_ : kSlots;
    const std::uint32_t first = now_s - steps + 1;
    now_ = now_s;
    for (std::uint32_t s = first; s != now_s + 1 && size_ > 0; ++s) sweep(entries, s % kSlots, each);
  }

  // The next second whose slot is not empty; it may hold only messages of a later turn.
  std::optional<std::uint32_t> next_s() const;

 private:
  template <class Each>
  void sweep(Entries& entries, std::uint32_t slot, Each&& each) {
    EntryList& list = slots_[slot];
    for (std::uint32_t i = list.front(); i != kNone;) {
      const std::uint32_t next = EntryList::next(entries, i);
      if (entries[i].due_s <= now_) {
        erase(entries, i);
        each(i);
      }
      i = next;
    }
  }

  std::array<EntryList, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> occupied_{};
  std::uint32_t now_;
  std::uint32_t size_ = 0;
};

}  // namespace waypost::queue
