// Limiter: hands out at most so many leases, in total and for one key (a client address, a service). A lease is given
// back when it is destroyed. Any thread; a Limiter may be destroyed before its leases.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace waypost::net {

class Limiter {
  struct State;

 public:
  class [[nodiscard]] Lease {
   public:
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { give_back(); }

   private:
    friend class Limiter;
    Lease(std::shared_ptr<State> state, std::string key) : state_(std::move(state)), key_(std::move(key)) {}
    void give_back();

    std::shared_ptr<State> state_;
    std::string key_;
  };

  // 0 means no limit.
  explicit Limiter(std::size_t total_limit, std::size_t per_key_limit = 0);

  // nullopt at either limit. The empty key counts only towards the total.
  [[nodiscard]] std::optional<Lease> take(std::string_view key = {});

  // For a reload: leases above a lowered limit stay, new ones wait until enough are back.
  void set_limits(std::size_t total_limit, std::size_t per_key_limit);
  std::size_t in_use() const;
  std::size_t in_use(std::string_view key) const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace waypost::net
