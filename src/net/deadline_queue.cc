#include "net/deadline_queue.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace waypost::net {

DeadlineNode::~DeadlineNode() {
  if (queue_ != nullptr) queue_->remove(*this);
}

DeadlineQueue::~DeadlineQueue() {
  for (DeadlineNode* node : heap_) node->queue_ = nullptr;
}

bool DeadlineQueue::arm(DeadlineNode& node, MonoTime deadline) {
  WAYPOST_ASSERT(node.queue_ == nullptr || node.queue_ == this);
  const MonoTime before = next();
  node.deadline_ = deadline;
  if (deadline == MonoTime::max()) return false;
  // What is armed from within expire() waits for the next one, so that a deadline in the past cannot keep it going.
  const MonoTime key = std::max(deadline, expiring_until_);
  if (node.queue_ == nullptr) {
    node.queue_ = this;
    node.key_ = key;
    heap_.push_back(&node);
    sift_up(heap_.size() - 1);
  } else if (key < node.key_) {
    node.key_ = key;
    sift_up(node.index_);
  }
  return next() < before;
}

void DeadlineQueue::expire(MonoTime now) {
  expiring_until_ = now + std::chrono::nanoseconds{1};
  while (!heap_.empty() && heap_.front()->key_ <= now) {
    DeadlineNode& node = *heap_.front();
    if (node.deadline_ == MonoTime::max()) {
      remove(node);
    } else if (node.deadline_ > now) {
      node.key_ = node.deadline_;
      sift_down(0);
    } else {
      remove(node);
      node.deadline_ = MonoTime::max();
      node.expired();
    }
  }
  expiring_until_ = MonoTime::min();
}

void DeadlineQueue::remove(DeadlineNode& node) {
  const std::size_t hole = node.index_;
  DeadlineNode* const last = heap_.back();
  heap_.pop_back();
  node.queue_ = nullptr;
  if (last == &node) return;
  place(hole, last);
  sift_up(hole);
  sift_down(last->index_);
}

void DeadlineQueue::place(std::size_t index, DeadlineNode* node) {
  heap_[index] = node;
  node->index_ = index;
}

void DeadlineQueue::sift_up(std::size_t index) {
  DeadlineNode* const node = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->key_ <= node->key_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, node);
}

void DeadlineQueue::sift_down(std::size_t index) {
  DeadlineNode* const node = heap_[index];
  while (true) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->key_ < heap_[child]->key_) ++child;
    if (node->key_ <= heap_[child]->key_) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, node);
}

}  // namespace waypost::net
