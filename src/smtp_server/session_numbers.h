// The number in smtpd[NUMBER]: where Postfix has a process, we have a session, and readers of the log pair connect and
// disconnect lines by it. No two sessions at a time have the same one. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace waypost::smtp_server {

class SessionNumbers {
 public:
  static constexpr std::uint32_t kFirst = 10'000;
  static constexpr std::uint32_t kLast = 4'194'303;  // the largest pid of Linux

  // Given back when it is destroyed. The SessionNumbers outlives it.
  class [[nodiscard]] Lease {
   public:
    Lease(Lease&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), number_(other.number_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (owner_ != nullptr) owner_->give_back(number_);
    }
    std::uint32_t number() const { return number_; }

   private:
    friend class SessionNumbers;
    Lease(SessionNumbers* owner, std::uint32_t number) : owner_(owner), number_(number) {}
    SessionNumbers* owner_;
    std::uint32_t number_;
  };

  explicit SessionNumbers(std::uint32_t first = kFirst, std::uint32_t last = kLast)
      : first_(first), last_(last), next_(first) {}

  // The next free number, round and round. There must be fewer than last - first sessions.
  Lease take();

 private:
  void give_back(std::uint32_t number);

  const std::uint32_t first_, last_;
  std::mutex mutex_;
  std::uint32_t next_;
  std::unordered_set<std::uint32_t> taken_;
};

}  // namespace waypost::smtp_server
