#include "dns/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::dns {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::a:
      return "A";
    case Type::ptr:
      return "PTR";
    case Type::mx:
      return "MX";
    case Type::txt:
      return "TXT";
    case Type::aaaa:
      return "AAAA";
    case Type::srv:
      return "SRV";
    case Type::tlsa:
      return "TLSA";
  }
  return "unknown";
}

namespace {
std::string_view reason(Status status) {
  switch (status) {
    case Status::ok:
      return "no error";
    case Status::no_data:
      return "Host found but no data record of requested type";
    case Status::nxdomain:
      return "Host not found";
    case Status::temporary:
    case Status::bogus:
      return "Host not found, try again";
    case Status::malformed:
      return "Malformed or unexpected name server reply";
  }
  return "Host not found, try again";
}
}  // namespace

std::string failure_text(Status status, std::string_view name, Type type) {
  return fmt::format("Host or domain name not found. Name service error for name={} type={}: {}", printable(name, 255),
                     type_name(type), reason(status));
}

Answer failed_answer(Status status, std::string_view name, Type type) {
  Answer answer;
  answer.status = status;
  answer.failure = failure_text(status, name, type);
  return answer;
}

std::string reverse_name(std::string_view address) {
  const std::string text(address);
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    const std::uint32_t host = ntohl(v4.s_addr);
    return fmt::format("{}.{}.{}.{}.in-addr.arpa", host & 255, host >> 8 & 255, host >> 16 & 255, host >> 24);
  }
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return {};
  std::string out;
  for (int i = 15; i >= 0; --i) out += fmt::format("{:x}.{:x}.", v6.s6_addr[i] & 15, v6.s6_addr[i] >> 4);
  return out + "ip6.arpa";
}

std::string address_of_reverse_name(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  const auto labels = split(name, ".");
  std::string address;
  if (labels.size() == 6) {
    address = fmt::format("{}.{}.{}.{}", labels[3], labels[2], labels[1], labels[0]);
  } else if (labels.size() == 34) {
    for (std::size_t i = 32; i > 0; --i) address.append(labels[i - 1]).append(i % 4 == 1 && i > 1 ? ":" : "");
    in6_addr v6{};
    char text[INET6_ADDRSTRLEN] = "";
    if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return {};
    address = inet_ntop(AF_INET6, &v6, text, sizeof text);
  }
  return iequals(reverse_name(address), name) ? address : std::string();
}

}  // namespace waypost::dns
