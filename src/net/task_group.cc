#include "net/task_group.h"

#include "base/assert.h"

namespace waypost::net {

struct TaskGroup::Node {
  Node(TaskGroup& owner) : group(owner), next(owner.tasks_) {
    if (next != nullptr) next->previous = this;
    group.tasks_ = this;
    ++group.size_;
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() {
    if (next != nullptr) next->previous = previous;
    (previous != nullptr ? previous->next : group.tasks_) = next;
    --group.size_;
    group.ended_.wake();
  }

  TaskGroup& group;
  Node* next;
  Node* previous = nullptr;
  std::coroutine_handle<> self;
};

struct TaskGroup::Root {
  struct promise_type : Node {
    promise_type(TaskGroup& group, Task<void>&) : Node(group) {}
    Root get_return_object() {
      self = std::coroutine_handle<promise_type>::from_promise(*this);
      return {};
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }  // the frame destroys itself and leaves the list
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };

  static Root run(TaskGroup&, Task<void> task) { co_await std::move(task); }
};

TaskGroup::~TaskGroup() {
  while (tasks_ != nullptr) tasks_->self.destroy();
  while (hooks_ != nullptr) hooks_->unlink();
}

void TaskGroup::spawn(Task<void> task) {
  WAYPOST_ASSERT(thread_.on_this_thread());
  Root::run(*this, std::move(task));
}

void TaskGroup::request_stop() {
  stop_requested_ = true;
  while (hooks_ != nullptr) {
    StopHook& hook = *hooks_;
    hook.unlink();
    auto on_stop = std::move(hook.on_stop_);  // the hook may be destroyed by what it does
    on_stop();
  }
}

Task<bool> TaskGroup::drained(MonoTime deadline) {
  while (size_ > 0) {
    const bool too_late = co_await ended_.until(deadline);
    if (too_late) co_return size_ == 0;
  }
  co_return true;
}

StopHook::StopHook(TaskGroup& group, std::move_only_function<void()> on_stop)
    : group_(&group), on_stop_(std::move(on_stop)), next_(group.hooks_) {
  if (next_ != nullptr) next_->previous_ = this;
  group.hooks_ = this;
}

StopHook::~StopHook() {
  if (group_ != nullptr) unlink();
}

void StopHook::unlink() {
  if (next_ != nullptr) next_->previous_ = previous_;
  (previous_ != nullptr ? previous_->next_ : group_->hooks_) = next_;
  next_ = previous_ = nullptr;
  group_ = nullptr;
}

}  // namespace waypost::net
