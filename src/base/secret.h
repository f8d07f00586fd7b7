// A password or key. It cannot be printed, formatted or compared by accident, and is wiped when it goes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace waypost {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(other.value_) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      wipe();
      value_ = other.value_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      wipe();
      value_ = other.value_;
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  // The one way to the content: a call that a reviewer can search for.
  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void wipe() noexcept {
    volatile char* p = value_.data();
    for (size_t i = 0; i < value_.size(); ++i) p[i] = '\0';
    value_.clear();
  }
  std::string value_;
};

}  // namespace waypost
