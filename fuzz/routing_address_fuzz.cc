// Addresses through rewriting and routing. Nothing may reach a class of ours but through the domain lists: that is
// what keeps the relay closed.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "routing/nexthop.h"
#include "routing/router.h"
#include "tables/run_immediate.h"

namespace {

using namespace waypost;

const routing::Router& router() {
  static NullLog sink;
  static const SystemClock clock;
  static tables::TableRegistry registry(Log(sink, "fuzz", 0), clock);
  static const routing::Router instance = [] {
    routing::RouterSettings settings;
    settings.rewrite = {.myorigin = "a.b", .mydomain = "b"};
    settings.myhostname = "mx.a.b";
    settings.local_transport = "local";
    routing::DomainSettings domains{.mydestination = "a.b, mx.a.b", .relay_domains = "r.s"};
    domains.own_addresses = {"192.0.2.1"};
    return routing::Router(settings, std::make_shared<routing::Domains>(domains, registry));
  }();
  return instance;
}

void check_route(const routing::Route& route) {
  WAYPOST_ASSERT(!route.transport.empty() && !route.nexthop.empty());
  if (route.bad_syntax) return;
  const std::string domain = to_lower(route.recipient.substr(route.recipient.rfind('@') + 1));
  if (route.address_class == routing::AddressClass::local) {
    WAYPOST_ASSERT(domain == "a.b" || domain == "mx.a.b" || domain.starts_with('['));
    WAYPOST_ASSERT(!route.source_routed || route.recipient.find_first_of("@!%") < route.recipient.rfind('@'));
  }
  if (route.address_class == routing::AddressClass::relay) WAYPOST_ASSERT(domain == "r.s" || domain.ends_with(".r.s"));
  if (!route.source_routed) WAYPOST_ASSERT(route.recipient.find_first_of("@!%") == route.recipient.rfind('@'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(data, data + size);
  if (const auto nexthop = routing::parse_nexthop(text)) {
    WAYPOST_ASSERT(!nexthop->host.empty());
    (void)routing::is_hostname(nexthop->host);
  }
  (void)routing::parse_nexthops(text);
  (void)routing::parse_address_literal(text);
  const auto route = tables::run_immediate(router().resolve("s@x.y", text));
  if (!route) return 0;
  check_route(*route);
  // What is routed once is routed again to the same place.
  const auto again = tables::run_immediate(router().resolve("s@x.y", route->recipient));
  if (!route->bad_syntax) WAYPOST_ASSERT(again && again->transport == route->transport);
  return 0;
}
