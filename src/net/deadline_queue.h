// The deadlines of one io thread, as a heap of nodes that live in their owners. Arming is made for deadlines that
// move on with every operation: a node that already waits for an earlier moment is left where it is and put right when
// that moment comes, so arming costs a comparison. Pure: the loop asks next() and calls expire(). One thread.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace waypost::net {

class DeadlineQueue;

class DeadlineNode {
 public:
  DeadlineNode() = default;
  DeadlineNode(const DeadlineNode&) = delete;
  DeadlineNode& operator=(const DeadlineNode&) = delete;
  virtual ~DeadlineNode();

 protected:
  // The deadline passed; the node is disarmed. May arm, disarm or destroy any node, this one included.
  virtual void expired() = 0;

 private:
  friend class DeadlineQueue;
  DeadlineQueue* queue_ = nullptr;  // set while the node is in the heap
  std::size_t index_ = 0;
  MonoTime key_{};                       // its place in the heap: never later than deadline_
  MonoTime deadline_ = MonoTime::max();  // max: disarmed
};

class DeadlineQueue {
 public:
  DeadlineQueue() = default;
  DeadlineQueue(const DeadlineQueue&) = delete;
  DeadlineQueue& operator=(const DeadlineQueue&) = delete;
  ~DeadlineQueue();

  // Replaces the node's deadline; MonoTime::max() means none. True when next() has become earlier.
  bool arm(DeadlineNode& node, MonoTime deadline);
  // O(1): the node stays in the heap, without effect, until its moment comes or it is destroyed.
  static void disarm(DeadlineNode& node) { node.deadline_ = MonoTime::max(); }
  // Calls expired() of every node whose deadline is at or before `now`.
  void expire(MonoTime now);
  // When expire() must be called next at the latest; MonoTime::max() when nothing waits.
  MonoTime next() const { return heap_.empty() ? MonoTime::max() : heap_.front()->key_; }
  std::size_t size() const { return heap_.size(); }

 private:
  friend class DeadlineNode;
  void remove(DeadlineNode& node);
  void place(std::size_t index, DeadlineNode* node);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  std::vector<DeadlineNode*> heap_;
  MonoTime expiring_until_ = MonoTime::min();  // while expire() runs: just after its `now`
};

}  // namespace waypost::net
