#include "dns/native_resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "dns/packet.h"

namespace waypost::dns {

namespace {

Status status_of(int error) {
  switch (error) {
    case 0:
      return Status::ok;
    case EAI_NONAME:
      return Status::nxdomain;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return Status::no_data;
    default:
      return Status::temporary;
  }
}

std::string numeric(const addrinfo& entry) {
  char text[NI_MAXHOST] = "";
  getnameinfo(entry.ai_addr, entry.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

// Blocks.
Answer find_addresses(const std::string& name, Type type) {
  addrinfo hints{};
  hints.ai_family = type == Type::a ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(error == 0 ? list : nullptr, [](addrinfo* one) {
    if (one != nullptr) freeaddrinfo(one);
  });
  if (error != 0) return failed_answer(status_of(error), name, type);
  Answer answer;
  answer.status = Status::ok;
  answer.canonical_name = name;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) answer.addresses.push_back(numeric(*one));
  return answer;
}

// Blocks. `address` is a literal.
Answer find_name(const std::string& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* list = nullptr;
  if (getaddrinfo(address.c_str(), nullptr, &hints, &list) != 0) {
    return failed_answer(Status::no_data, address, Type::ptr);
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(list, freeaddrinfo);
  char host[NI_MAXHOST] = "";
  const int error = getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof host, nullptr, 0, NI_NAMEREQD);
  if (error != 0) return failed_answer(status_of(error), address, Type::ptr);
  Answer answer;
  answer.status = Status::ok;
  answer.canonical_name = address;
  answer.names.emplace_back(host);
  return answer;
}

}  // namespace

net::Task<Answer> NativeResolver::lookup(std::string name, Type type, MonoTime) {
  if (type == Type::ptr) {
    std::string address = address_of_reverse_name(name);
    if (address.empty()) address = name;
    auto found = co_await pool_.run([address] { return find_name(address); });
    if (!found) co_return failed_answer(Status::temporary, name, type);
    co_return std::move(*found);
  }
  if (type != Type::a && type != Type::aaaa) co_return failed_answer(Status::no_data, name, type);
  if (!encode_name(name)) co_return failed_answer(Status::nxdomain, name, type);
  auto found = co_await pool_.run([name, type] { return find_addresses(name, type); });
  if (!found) co_return failed_answer(Status::temporary, name, type);
  co_return std::move(*found);
}

}  // namespace waypost::dns
