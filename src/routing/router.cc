#include "routing/router.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "routing/nexthop.h"
#include "tables/cidr.h"
#include "tables/keys.h"
#include "tables/source_file.h"

namespace waypost::routing {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::string_view kBadSyntax = "5.1.3 bad address syntax";
constexpr std::string_view kUnknownAlias = "5.1.1 User unknown";
constexpr std::size_t kLoopSlack = 100;

// "transport:nexthop", cut at the first colon.
struct TransportSetting {
  std::string_view transport, nexthop;
};

TransportSetting split_setting(std::string_view setting) {
  const auto colon = setting.find(':');
  if (colon == kNone) return {setting, {}};
  return {setting.substr(0, colon), setting.substr(colon + 1)};
}

// What remains of an address whose own domain is gone: the domain that its operators name comes to the front.
// nullopt: it holds none that the settings let act.
std::optional<std::string> unfold_operators(const std::string& local, const RouterSettings& settings) {
  const auto& rules = settings.rewrite;
  const bool is_quoted = tables::needs_quotes(local);
  const auto bang = rules.swap_bangpath ? local.find('!') : std::string::npos;
  const auto percent = rules.allow_percent_hack ? local.rfind('%') : std::string::npos;
  if (!is_quoted) {
    if (bang == std::string::npos && percent == std::string::npos) return std::nullopt;
    return rewrite(local, rules);
  }
  if (!settings.resolve_dequoted_address) return std::nullopt;
  // A quoted local part is opened although RFC 5321 §2.3.11 forbids it: "user@elsewhere"@here must not relay.
  if (local.rfind('@') != std::string::npos) return rewrite(local, rules);
  std::string opened = local;
  if (percent != std::string::npos) {
    opened[percent] = '@';
  } else if (bang != std::string::npos) {
    opened = local.substr(bang + 1) + "@" + local.substr(0, bang);
  } else {
    return std::nullopt;
  }
  return rewrite(opened, rules);
}

// The first of "@!%" must be the '@' of the domain, else the next relay may find a route in the local part.
bool is_source_routed(std::string_view address, std::string_view domain) {
  return address.substr(address.find_first_of("@!%") + 1) != domain;
}

}  // namespace

// An address from which the own domains are stripped.
struct Router::Target {
  std::string address;
  bool is_local = false;

  std::string_view domain() const { return std::string_view(address).substr(address.rfind('@') + 1); }
};

Router::Router(RouterSettings settings, std::shared_ptr<const Domains> domains)
    : settings_(std::move(settings)), domains_(std::move(domains)) {}

std::string Router::qualify(std::string_view address) const { return rewrite(address, settings_.rewrite); }

net::Task<Result<Router::Target>> Router::strip_own_domains(std::string address) const {
  std::string own_domain;  // "@domain", the last that was stripped
  const std::size_t limit = address.size() + kLoopSlack;
  for (std::size_t round = 0; round < limit; ++round) {
    address = without_trailing_dot(std::move(address));
    if (settings_.resolve_null_domain && address.ends_with('@')) address.pop_back();
    if (const auto at = address.rfind('@'); at != std::string::npos) {
      const std::string domain = address.substr(at + 1);
      const Result<bool> is_local = co_await domains_->is_local(domain);
      if (!is_local) co_return std::unexpected(is_local.error());
      if (!*is_local && !domain.empty()) co_return Target{std::move(address), false};
      own_domain = address.substr(at);
      address.resize(at);
    }
    if (auto unfolded = unfold_operators(address, settings_)) {
      address = std::move(*unfolded);
    } else if (address.empty()) {
      address = settings_.empty_address_recipient;
    } else if (own_domain.empty()) {
      address += "@" + settings_.myhostname;
    } else {
      co_return Target{address + own_domain, true};
    }
  }
  co_return fail(Errc::unavailable, fmt::format("<{}>: giving up after {} iterations", address, limit));
}

// RFC 5321 §4.1.2: the domain is a host name or an address in brackets. True when it is usable; completes a bare
// address where the settings want that.
bool Router::check_domain(Target& target) const {
  const auto domain = target.domain();
  if (domain.starts_with('[')) return parse_address_literal(domain).has_value();
  if (settings_.smtputf8_enable && !tables::is_utf8(target.address)) return false;
  if (is_hostname(domain, settings_.smtputf8_enable)) return true;
  if (!settings_.resolve_numeric_domain || !tables::parse_address(domain)) return false;
  target.address.insert(target.address.size() - domain.size(), "[").append("]");
  return true;
}

net::Task<Result<Route>> Router::resolve([[maybe_unused]] std::string sender, std::string recipient) const {
  // A domain is left as it is: "user@host" was "user@host." when qualify() let it stand.
  if (recipient.find('@') == std::string::npos) recipient = qualify(recipient);
  Result<Target> target = co_await strip_own_domains(std::move(recipient));
  if (!target) co_return std::unexpected(target.error());
  const std::string stripped = target->address;
  const bool is_option = !settings_.allow_min_user && stripped.starts_with('-');  // would be one to a pipe command
  if (!check_domain(*target) || is_option) co_return bad_address(std::move(*target));
  if (target->address != stripped) {
    const Result<bool> is_local = co_await domains_->is_local(std::string(target->domain()));
    if (!is_local) co_return std::unexpected(is_local.error());
    target->is_local = *is_local;
  }
  Result<AddressClass> address_class = AddressClass::local;
  if (!target->is_local) {
    Result<AddressClass> remote = co_await domains_->classify_remote(std::string(target->domain()));
    address_class = std::move(remote);
  }
  if (!address_class) co_return std::unexpected(address_class.error());
  co_return choose(std::move(*target), *address_class);
}

Route Router::bad_address(Target target) {
  Route route;
  route.recipient = std::move(target.address);
  route.transport = kErrorTransport;
  route.nexthop = kBadSyntax;
  route.bad_syntax = true;
  return route;
}

Router::ClassSetting Router::setting_of(AddressClass address_class) const {
  switch (address_class) {
    case AddressClass::local:
      return {"local_transport", settings_.local_transport};
    case AddressClass::virtual_mailbox:
      return {"virtual_transport", settings_.virtual_transport};
    case AddressClass::relay:
      return {"relay_transport", settings_.relay_transport};
    case AddressClass::virtual_alias:
    case AddressClass::other:
      break;
  }
  return {"default_transport", settings_.default_transport};
}

Result<Route> Router::choose(Target target, AddressClass address_class) const {
  Route route;
  route.recipient = target.address;
  route.address_class = address_class;
  route.source_routed = is_source_routed(target.address, target.domain());
  if (address_class == AddressClass::virtual_alias) {
    // Whatever is aliased away never comes here.
    route.transport = kErrorTransport;
    route.nexthop = kUnknownAlias;
    if (settings_.show_user_unknown_table_name) route.nexthop += " in virtual alias table";
    return route;
  }
  const bool is_elsewhere = address_class == AddressClass::relay || address_class == AddressClass::other;
  const ClassSetting setting = setting_of(address_class);
  const auto [transport, nexthop] = split_setting(setting.value);
  if (transport.empty()) {
    return fail(Errc::unavailable, fmt::format("parameter {}: null transport is not allowed", setting.parameter));
  }
  route.transport = transport;
  if (!nexthop.empty()) {
    route.nexthop = nexthop;
  } else if (is_elsewhere) {
    route.nexthop = settings_.relayhost;
  }
  route.explicit_nexthop = !route.nexthop.empty();
  // A transport table overrides both here: "name:" makes the nexthop the domain again, even over relayhost.
  if (route.explicit_nexthop) return route;
  const auto service = settings_.service_relayhosts.find(route.transport);
  const bool has_own = is_elsewhere && service != settings_.service_relayhosts.end() && !service->second.empty();
  route.nexthop = has_own ? service->second : std::string(target.domain());
  return route;
}

std::vector<std::string> Router::problems() const {
  std::vector<std::string> found = domains_->problems();
  for (const auto address_class :
       {AddressClass::local, AddressClass::virtual_mailbox, AddressClass::relay, AddressClass::other}) {
    const ClassSetting setting = setting_of(address_class);
    if (split_setting(setting.value).transport.empty()) {
      found.push_back(fmt::format("parameter {}: null transport is not allowed", setting.parameter));
    }
  }
  const auto check = [&](std::string_view where, std::string_view value) {
    if (value.empty()) return;
    if (const auto nexthops = parse_nexthops(value); !nexthops) {
      found.push_back(fmt::format("{}: {}", where, nexthops.error().text));
    }
  };
  check("parameter relayhost", settings_.relayhost);
  for (const auto& [service, relayhost] : settings_.service_relayhosts) {
    check(fmt::format("service {}: relayhost", service), relayhost);
  }
  return found;
}

}  // namespace waypost::routing
