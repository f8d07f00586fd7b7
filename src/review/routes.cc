#include "review/routes.h"

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "config/values.h"
#include "review/text_table.h"
#include "tables/table_list.h"

namespace waypost::review {
namespace {

constexpr std::string_view kError = "error", kRetry = "retry";

class Collector {
 public:
  explicit Collector(const config::Configuration& configuration)
      : configuration_(configuration), view_(configuration.view()) {}

  Routes collect() {
    add_classes();
    add_sender_relayhosts();
    for (const auto* maps : {"transport_maps", "sender_dependent_default_transport_maps"}) add_transport_rows(maps);
    add_services();
    return std::move(out_);
  }

 private:
  std::string value(std::string_view name) const { return std::string(trim(view_.value(name).value_or(""))); }

  void add(const std::string& service, std::string_view nexthops, std::string_view parameter, config::Origin origin) {
    for (const std::string& word : config::split_list(nexthops)) {
      out_.targets.push_back({service, word, std::string(parameter), origin});
    }
  }

  // A service that routing reaches without a nexthop.
  void add_without_nexthop(const std::string& service) {
    const config::Service* found = find_transport(configuration_, service);
    if (found == nullptr) return;
    const bool has_own =
        found->find_override("relayhost") != nullptr && service != "smtp" && service != "relay" && service != "lmtp";
    const std::string own = has_own ? configuration_.view(found).value("relayhost").value_or("") : "";
    if (!trim(own).empty()) return add(service, own, "relayhost", {found->file, found->line});
    if (!out_.is_direct(service)) out_.direct.push_back(service);
  }

  void add_route(const std::string& setting, std::string_view parameter, const config::Origin& origin) {
    auto [transport, nexthop] = split_transport(setting);
    if (transport.empty()) transport = split_transport(value("default_transport")).transport;
    if (transport == kError || transport == kRetry) return;
    if (nexthop.empty()) return add_without_nexthop(transport);
    add(transport, nexthop, parameter, origin);
  }

  // What default_transport and relay_transport, with relayhost, make of mail for elsewhere.
  void add_classes() {
    const std::string relayhost = value("relayhost");
    for (const auto* parameter : {"default_transport", "relay_transport"}) {
      const auto [transport, nexthop] = split_transport(value(parameter));
      if (relayhost.empty() || !nexthop.empty()) {
        add_route(value(parameter), parameter, view_.origin(parameter));
      } else if (transport != kError && transport != kRetry) {
        add(transport, relayhost, "relayhost", view_.origin("relayhost"));
      }
    }
  }

  template <class Each>
  void each_row(const char* maps, Each each) {
    for (const std::string_view word : tables::split_list(value(maps))) {
      const auto table = read_text_table(word);
      if (!table) {
        out_.complete = false;
        continue;
      }
      for (const TableRow& row : table->rows) {
        each(row, table->file.empty() ? view_.origin(maps) : config::Origin{table->file, row.line});
      }
    }
  }

  void add_transport_rows(const char* maps) {
    each_row(maps, [&](const TableRow& row, const config::Origin& origin) { add_route(row.value, maps, origin); });
  }

  void add_sender_relayhosts() {
    const char* maps = "sender_dependent_relayhost_maps";
    const std::string service = split_transport(value("default_transport")).transport;
    each_row(maps, [&](const TableRow& row, const config::Origin& origin) {
      if (!iequals(row.value, "DUNNO")) add(service, row.value, maps, origin);
    });
  }

  void add_services() {
    for (const config::Service& service : configuration_.master.services()) {
      if (!service.is_delivery_agent() || configuration_.master.is_replaced(service) || service.command != "smtp")
        continue;
      const config::View view = configuration_.view(&service);
      add(service.name, view.value("smtp_fallback_relay").value_or(""), "smtp_fallback_relay",
          view.origin("smtp_fallback_relay"));
    }
  }

  const config::Configuration& configuration_;
  config::View view_;
  Routes out_;
};

}  // namespace

bool Routes::is_direct(std::string_view service) const { return std::ranges::find(direct, service) != direct.end(); }

Routes collect_routes(const config::Configuration& configuration) { return Collector(configuration).collect(); }

TransportValue split_transport(std::string_view value) {
  const auto colon = value.find(':');
  if (colon == std::string_view::npos) return {std::string(trim(value)), ""};
  return {std::string(trim(value.substr(0, colon))), std::string(trim(value.substr(colon + 1)))};
}

const config::Service* find_transport(const config::Configuration& configuration, std::string_view name) {
  return configuration.master.find(name, "unix");
}

}  // namespace waypost::review
