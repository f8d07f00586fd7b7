// For tests: a name server on loopback (UDP) with scripted answers, on a thread of its own.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/text.h"
#include "dns/packet.h"
#include "dns/resolver.h"

namespace waypost::dns {

// What goes into a response's answer section.
struct TestRecord {
  std::string owner;
  std::uint16_t type = 0;
  std::string data;  // wire form
  std::uint32_t ttl_s = 300;
};

inline std::string wire16(unsigned value) { return {static_cast<char>(value >> 8), static_cast<char>(value & 255)}; }

inline TestRecord a_record(std::string owner, const std::string& address) {
  std::string data(4, '\0');
  inet_pton(AF_INET, address.c_str(), data.data());
  return {std::move(owner), 1, data};
}
inline TestRecord aaaa_record(std::string owner, const std::string& address) {
  std::string data(16, '\0');
  inet_pton(AF_INET6, address.c_str(), data.data());
  return {std::move(owner), 28, data};
}
inline TestRecord mx_record(std::string owner, unsigned preference, std::string_view host) {
  return {std::move(owner), 15, wire16(preference) + encode_name(host).value()};
}
inline TestRecord cname_record(std::string owner, std::string_view target) {
  return {std::move(owner), 5, encode_name(target).value()};
}
inline TestRecord ptr_record(std::string owner, std::string_view target) {
  return {std::move(owner), 12, encode_name(target).value()};
}
inline TestRecord txt_record(std::string owner, const std::vector<std::string>& strings) {
  std::string data;
  for (const std::string& one : strings) data += static_cast<char>(one.size()) + one;
  return {std::move(owner), 16, data};
}

// A response message: the query's header and question, then the records.
inline std::string make_response(std::string_view query, unsigned rcode, const std::vector<TestRecord>& records) {
  std::string out(query.substr(0, 2));
  out += wire16(0x8180 | rcode);  // response, recursion desired and available
  out += wire16(1) + wire16(static_cast<unsigned>(records.size())) + wire16(0) + wire16(0);
  std::size_t end = 12;
  while (end < query.size() && query[end] != '\0') end += 1 + static_cast<unsigned char>(query[end]);
  out += query.substr(12, end + 5 - 12);
  for (const TestRecord& record : records) {
    out += encode_name(record.owner).value() + wire16(record.type) + wire16(1);
    out += wire16(record.ttl_s >> 16) + wire16(record.ttl_s & 0xffff);
    out += wire16(static_cast<unsigned>(record.data.size())) + record.data;
  }
  return out;
}

class TestDnsServer {
 public:
  static constexpr unsigned kServfail = 2;
  static constexpr unsigned kNxdomain = 3;

  TestDnsServer() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    WAYPOST_ASSERT(bind(fd_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    where_ = "127.0.0.1@" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~TestDnsServer() {
    stop_ = true;
    thread_.join();
    close(fd_);
  }
  TestDnsServer(const TestDnsServer&) = delete;
  TestDnsServer& operator=(const TestDnsServer&) = delete;

  // "127.0.0.1@PORT", as ResolverSettings::servers wants it.
  const std::string& where() const { return where_; }

  // Everything else does not exist.
  void answer(std::string_view name, Type type, std::vector<TestRecord> records) {
    script(name, type, Script{.records = std::move(records)});
  }
  void fails(std::string_view name, Type type, unsigned rcode) { script(name, type, Script{.rcode = rcode}); }
  void silent(std::string_view name, Type type) { script(name, type, Script{.silent = true}); }
  // How often this was asked.
  int asked(std::string_view name, Type type) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(Question(name, static_cast<std::uint16_t>(type)));
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  struct Script {
    std::vector<TestRecord> records = {};
    unsigned rcode = 0;
    bool silent = false;
  };
  using Question = std::pair<std::string, std::uint16_t>;

  void script(std::string_view name, Type type, Script what) {
    const std::lock_guard lock(mutex_);
    scripts_[Question(name, static_cast<std::uint16_t>(type))] = std::move(what);
  }

  static Question question_of(std::string_view query) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != '\0') {
      const std::size_t length = static_cast<unsigned char>(query[at]);
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, length);
      at += 1 + length;
    }
    if (at + 3 > query.size()) return {};
    const auto type = static_cast<unsigned char>(query[at + 1]) << 8 | static_cast<unsigned char>(query[at + 2]);
    return {to_lower(name), static_cast<std::uint16_t>(type)};
  }

  void serve() {
    std::array<char, 4096> buffer;
    while (!stop_) {
      pollfd ready{fd_, POLLIN, 0};
      if (poll(&ready, 1, 20) <= 0) continue;
      sockaddr_storage from{};
      socklen_t length = sizeof from;
      const auto got = recvfrom(fd_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (got < 12) continue;
      const std::string_view query(buffer.data(), static_cast<std::size_t>(got));
      const Script script = find(question_of(query));
      if (script.silent) continue;
      const std::string response = make_response(query, script.rcode, script.records);
      sendto(fd_, response.data(), response.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  Script find(const Question& question) {
    const std::lock_guard lock(mutex_);
    ++counts_[question];
    if (const auto found = scripts_.find(question); found != scripts_.end()) return found->second;
    const auto same_name = scripts_.lower_bound(Question(question.first, 0));
    const bool exists = same_name != scripts_.end() && same_name->first.first == question.first;
    return Script{.rcode = exists ? 0 : kNxdomain};
  }

  int fd_;
  std::string where_;
  mutable std::mutex mutex_;
  std::map<Question, Script> scripts_;
  std::map<Question, int> counts_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace waypost::dns
