// Storage for many small objects of one kind, named by 32-bit indexes: chunks that never move, a free list, and lists
// that link objects through a member. Half the size of pointers, O(1) removal from any list, no allocation per object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace waypost::queue {

inline constexpr std::uint32_t kNone = UINT32_MAX;

struct Links {
  std::uint32_t prev = kNone, next = kNone;
};

template <class T>
class Slab {
 public:
  static constexpr std::uint32_t kChunk = 1024;

  T& operator[](std::uint32_t i) { return chunks_[i / kChunk][i % kChunk]; }
  const T& operator[](std::uint32_t i) const { return chunks_[i / kChunk][i % kChunk]; }

  std::uint32_t allocate() {
    ++used_;
    if (!free_.empty()) {
      const std::uint32_t i = free_.back();
      free_.pop_back();
      return i;
    }
    if (end_ % kChunk == 0) chunks_.push_back(std::make_unique<T[]>(kChunk));
    return end_++;
  }
  // The object is reset at once, so that what it owned is freed.
  void release(std::uint32_t i) {
    WAYPOST_ASSERT(used_ > 0);
    --used_;
    (*this)[i] = T{};
    free_.push_back(i);
  }
  std::uint32_t used() const { return used_; }
  std::uint32_t end() const { return end_; }  // indexes handed out so far lie below

 private:
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<std::uint32_t> free_;
  std::uint32_t end_ = 0, used_ = 0;
};

// A list of slab objects through their member `Hook`. An object is in at most one list of a given hook.
template <class T, Links T::* Hook>
class IndexList {
 public:
  bool empty() const { return head_ == kNone; }
  std::uint32_t size() const { return size_; }
  std::uint32_t front() const { return head_; }
  static std::uint32_t next(const Slab<T>& slab, std::uint32_t i) { return (slab[i].*Hook).next; }

  void push_back(Slab<T>& slab, std::uint32_t i) {
    slab[i].*Hook = Links{tail_, kNone};
    (tail_ == kNone ? head_ : (slab[tail_].*Hook).next) = i;
    tail_ = i;
    ++size_;
  }
  void erase(Slab<T>& slab, std::uint32_t i) {
    const Links links = slab[i].*Hook;
    (links.prev == kNone ? head_ : (slab[links.prev].*Hook).next) = links.next;
    (links.next == kNone ? tail_ : (slab[links.next].*Hook).prev) = links.prev;
    slab[i].*Hook = Links{};
    --size_;
  }
  std::uint32_t pop_front(Slab<T>& slab) {
    const std::uint32_t i = head_;
    erase(slab, i);
    return i;
  }

 private:
  std::uint32_t head_ = kNone, tail_ = kNone, size_ = 0;
};

}  // namespace waypost::queue
