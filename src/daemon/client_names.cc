#include "daemon/client_names.h"

#include <algorithm>

#include <fmt/format.h>

namespace waypost::daemon {
namespace {

// A name from the DNS is hostile input that goes into logs and headers.
bool is_plain_name(std::string_view name) {
  constexpr std::size_t kMaxName = 255;  // RFC 1035 §2.3.4
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
    return c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  });
}

}  // namespace

net::Task<smtp_server::ClientNames> ClientNameCache::names_of(std::string address) {
  if (auto known = remembered(address)) co_return std::move(*known);
  auto names = co_await look_up(address);
  remember(address, names);
  co_return names;
}

net::Task<smtp_server::ClientNames> ClientNameCache::look_up(std::string address) {
  smtp_server::ClientNames out;
  const MonoTime deadline = clock_.mono() + kLookupTime;
  const auto pointer = co_await resolver_.lookup(dns::reverse_name(address), dns::Type::ptr, deadline);
  if (pointer.status != dns::Status::ok || pointer.names.empty() || !is_plain_name(pointer.names.front()))
    co_return out;
  out.reverse = pointer.names.front();
  const auto type = address.find(':') == std::string::npos ? dns::Type::a : dns::Type::aaaa;
  const auto forward = co_await resolver_.lookup(out.reverse, type, deadline);
  if (forward.status == dns::Status::ok && std::ranges::find(forward.addresses, address) != forward.addresses.end()) {
    out.name = out.reverse;
  } else {
    const auto reason = forward.status == dns::Status::ok ? std::string() : ": " + forward.failure;
    out.warning = fmt::format("hostname {} does not resolve to address {}{}", out.reverse, address, reason);
  }
  co_return out;
}

std::optional<smtp_server::ClientNames> ClientNameCache::remembered(const std::string& address) const {
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(address);
  if (it == entries_.end() || it->second.until < clock_.mono()) return std::nullopt;
  return it->second.names;
}

void ClientNameCache::remember(const std::string& address, smtp_server::ClientNames names) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.mono();
  if (entries_.size() >= kMaxEntries) {
    std::erase_if(entries_, [&](const auto& entry) { return entry.second.until < now; });
    if (entries_.size() >= kMaxEntries) entries_.clear();
  }
  entries_[address] = {std::move(names), now + kKeep};
}

}  // namespace waypost::daemon
