// From an address to the transport and nexthop that delivers it (Postfix's resolve service).
//
// Order (first to last): own domains are stripped from source routes and operators; class by domain; the class's
// transport; nexthop = relayhost (relay and other classes) or the domain; a nexthop inside the transport parameter;
// then the tables that override it. Immutable; any thread.
// Errc::unavailable: a lookup failed; the mail is deferred with "4.3.0 address resolver failure".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/task.h"
#include "routing/domains.h"
#include "routing/rewrite.h"

namespace waypost::routing {

// Values after expansion, as main.cf has them.
struct RouterSettings {
  RewriteSettings rewrite;
  std::string myhostname;
  std::string empty_address_recipient = "MAILER-DAEMON";
  std::string local_transport;  // "local:$myhostname" expanded
  std::string virtual_transport = "virtual";
  std::string relay_transport = "relay";
  std::string default_transport = "smtp";
  std::string relayhost;
  bool resolve_dequoted_address = true;
  bool resolve_null_domain = false;
  bool resolve_numeric_domain = false;
  bool allow_min_user = false;
  bool smtputf8_enable = false;
  bool show_user_unknown_table_name = true;
  // master.cf: custom-named smtp and lmtp services with `-o relayhost=`: their nexthop when routing names none. The
  // caller leaves the standard names (smtp, relay, lmtp) out.
  std::map<std::string, std::string, std::less<>> service_relayhosts;
};

struct Route {
  std::string recipient;  // complete, internal form: what the agent delivers to
  AddressClass address_class = AddressClass::other;
  std::string transport;          // master.cf service name
  std::string nexthop;            // never empty; for error and retry: the text, with an optional leading DSN code
  bool explicit_nexthop = false;  // relayhost or the transport setting named it; false: it is the recipient's domain
                                  // or the service's own relayhost
  bool source_routed = false;     // the local part holds @, % or ! (another relay may act on it)
  bool bad_syntax = false;        // no usable address; transport is error, nexthop the text
};

inline constexpr std::string_view kErrorTransport = "error";
inline constexpr std::string_view kRetryTransport = "retry";

class Router {
 public:
  Router(RouterSettings settings, std::shared_ptr<const Domains> domains);

  // `recipient` as qualify() made it; one without a domain is completed first. `sender` is for tables keyed by sender;
  // "" is the null sender.
  net::Task<Result<Route>> resolve(std::string sender, std::string recipient) const;

  // The complete form of an address: rewrite(); "" stays "".
  std::string qualify(std::string_view address) const;

  const Domains& domains() const { return *domains_; }
  const RouterSettings& settings() const { return settings_; }
  // For the start's findings: empty or malformed transport settings, malformed relayhosts.
  std::vector<std::string> problems() const;

 private:
  struct Target;
  struct ClassSetting {
    std::string_view parameter, value;
  };
  net::Task<Result<Target>> strip_own_domains(std::string address) const;
  bool check_domain(Target& target) const;
  Result<Route> choose(Target target, AddressClass address_class) const;
  static Route bad_address(Target target);
  ClassSetting setting_of(AddressClass address_class) const;

  RouterSettings settings_;
  std::shared_ptr<const Domains> domains_;
};

}  // namespace waypost::routing
