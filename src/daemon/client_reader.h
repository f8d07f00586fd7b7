// The parameters of the smtp client and of the lmtp client are the same list under two names: smtp_mail_timeout,
// lmtp_mail_timeout. This reader adds the protocol's half. One thread; lives as long as the reader it is made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"

namespace waypost::daemon {

class ClientReader {
 public:
  // `prefix`: smtp or lmtp.
  ClientReader(config::Reader& common, std::string_view prefix) : common_(common), prefix_(prefix) {}

  bool is_lmtp() const { return prefix_ == "lmtp"; }
  const std::string& prefix() const { return prefix_; }
  // What both protocols share: inet_protocols, soft_bounce ...
  config::Reader& common() { return common_; }
  std::string name(std::string_view half) const { return prefix_ + "_" + std::string(half); }

  std::string text(std::string_view half) { return common_.text(name(half)); }
  bool flag(std::string_view half) { return common_.flag(name(half)); }
  std::int64_t number(std::string_view half, std::int64_t min, std::int64_t max) {
    return common_.number(name(half), min, max);
  }
  std::chrono::seconds duration(std::string_view half, std::chrono::seconds min = std::chrono::seconds(0)) {
    return common_.duration(name(half), min);
  }
  std::vector<std::string> list(std::string_view half) { return common_.list(name(half)); }
  std::string choice(std::string_view half) { return common_.choice(name(half)); }
  bool is_set(std::string_view half) const { return common_.is_set(name(half)); }
  void reject(std::string_view half, std::string why) { common_.reject(name(half), std::move(why)); }

 private:
  config::Reader& common_;
  std::string prefix_;
};

}  // namespace waypost::daemon
