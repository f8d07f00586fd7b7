// PROXY headers, XCLIENT and XFORWARD: what comes from a load balancer or a proxy is checked as what comes from
// anybody.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "smtp/client_attributes.h"
#include "smtp/proxy_header.h"

namespace {

using waypost::smtp::ProxyHeader;

bool is_tame(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0<>", 5)) == std::string_view::npos;
}

void check_header(std::string_view input) {
  const auto header = waypost::smtp::parse_proxy_header(input);
  switch (header.state) {
    case ProxyHeader::State::incomplete:
      WAYPOST_ASSERT(input.size() < waypost::smtp::kMaxProxyHeaderBytes);
      break;
    case ProxyHeader::State::bad:
      WAYPOST_ASSERT(!header.error.empty());
      break;
    case ProxyHeader::State::proxied:
      WAYPOST_ASSERT(waypost::smtp::normal_address(header.client_address) == header.client_address);
      WAYPOST_ASSERT(waypost::smtp::normal_address(header.server_address) == header.server_address);
      [[fallthrough]];
    case ProxyHeader::State::own:
      WAYPOST_ASSERT(header.length > 0 && header.length <= input.size());
      // What is behind the header does not change it.
      WAYPOST_ASSERT(waypost::smtp::parse_proxy_header(input.substr(0, header.length)).state == header.state);
      break;
  }
}

void check_attributes(std::string_view line) {
  const auto command = waypost::smtp::parse_command(line);
  if (const auto client = waypost::smtp::parse_xclient(command)) {
    for (const auto* value : {&client->name, &client->reverse_name, &client->address, &client->port, &client->helo,
                              &client->protocol, &client->server_address, &client->server_port}) {
      WAYPOST_ASSERT(!*value || is_tame(**value));
    }
  } else {
    WAYPOST_ASSERT(client.error().starts_with("501 "));
  }
  if (const auto forwarded = waypost::smtp::parse_xforward(command, {})) {
    for (const auto* value : {&forwarded->name, &forwarded->address, &forwarded->port, &forwarded->protocol,
                              &forwarded->helo, &forwarded->ident}) {
      WAYPOST_ASSERT(is_tame(*value));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_header(input);
  check_attributes(input);
  return 0;
}
