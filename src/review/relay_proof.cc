#include "review/relay_proof.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "config/values.h"
#include "review/relay_destinations.h"
#include "review/relay_paths.h"
#include "tables/cidr.h"
#include "tables/table_list.h"

namespace waypost::review {
namespace {

// Addresses all over the public space; the first that is in no network of ours stands for the stranger.
constexpr std::array<std::string_view, 16> kStrangers4 = {
    "203.0.113.77", "198.51.100.77", "192.0.2.77", "8.8.8.8",     "1.1.1.1",      "23.45.67.89",
    "45.67.89.10",  "66.77.88.99",   "81.2.3.4",   "94.5.6.7",    "104.18.19.20", "128.30.2.36",
    "151.101.1.69", "172.217.4.46",  "190.1.2.3",  "217.10.20.30"};
constexpr std::array<std::string_view, 6> kStrangers6 = {"2001:db8:77::77",   "2606:4700::1111",
                                                         "2a00:1450:4001::1", "2001:4860:4860::8888",
                                                         "2400:cb00:2048::1", "2803:f800::77"};
std::string address_text(const tables::Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

class ListenerProver {
 public:
  ListenerProver(Prober& prober, const config::Configuration& configuration, const Listener& listener,
                 const std::vector<Destinations::Question>& questions, const Destinations& destinations)
      : prober_(prober),
        configuration_(configuration),
        listener_(listener),
        view_(configuration.view(listener.service)),
        questions_(questions),
        destinations_(destinations),
        networks_(view_.value("mynetworks").value_or("")),
        symbolic_networks_(asks_network(networks_)) {}

  ListenerProof prove() {
    out_.name = listener_.service->name;
    out_.file = listener_.service->file;
    out_.line = listener_.service->line;
    for (const auto& endpoint : listener_.endpoints) out_.endpoints.push_back(endpoint.to_string());
    out_.refusal = listener_.refusal;
    add_own_networks();
    add_authenticated();
    add_certificate();
    add_everybody_else(kStrangers4, listens_to(AF_INET));
    add_everybody_else(kStrangers6, listens_to(AF_INET6));
    conclude();
    return std::move(out_);
  }

 private:
  bool listens_to(int family) const {
    return std::ranges::any_of(listener_.endpoints, [&](const net::Endpoint& e) { return e.family() == family; });
  }

  bool is_own(const std::string& address) {
    const auto own = prober_.run(listener_.policy->is_mynetworks("unknown", address));
    return own && *own;
  }

  access::Subject subject(const std::string& address) const {
    access::Subject out;
    out.client_name = "unknown";
    out.client_address = address;
    out.helo = "client.relay-proof.example";
    out.protocol = "ESMTP";
    out.sender = "sender@relay-proof.example";
    return out;
  }

  ClientAnswer ask(ClientClass client, std::string who, access::Subject subject, std::optional<bool> own = {},
                   bool several_recipients = false) {
    ClientAnswer answer{client, std::move(who), "", {}};
    for (const auto& question : questions_) {
      Answer row = question.answer;
      row.example = question.recipient;
      if (row.absent.empty()) {
        subject.recipient = question.recipient;
        Paths paths =
            explore(prober_, configuration_, listener_, subject, {client, several_recipients, own, question.route});
        row.usual = std::move(paths.usual);
        row.otherwise = std::move(paths.others);
        row.complete = paths.complete;
      }
      answer.destinations.push_back(std::move(row));
    }
    return answer;
  }

  void add_absent(ClientClass client, std::string who, std::string why) {
    out_.clients.push_back({client, std::move(who), std::move(why), {}});
  }

  // The first address that is in mynetworks by the list itself.
  std::string own_address() {
    for (std::string_view word : tables::split_list(networks_)) {
      if (word.starts_with('!')) continue;
      if (word.starts_with('[') && word.ends_with(']')) word = word.substr(1, word.size() - 2);
      std::string address(word);
      if (const auto cidr = tables::parse_cidr(word)) address = address_text(cidr->network);
      if (tables::parse_address(address) && is_own(address)) return address;
    }
    return "";
  }

  void add_own_networks() {
    const auto who = fmt::format("mynetworks = {}", trim(networks_));
    if (trim(networks_).empty()) return add_absent(ClientClass::own_networks, who, "mynetworks is empty");
    const std::string address = symbolic_networks_ ? "" : own_address();
    // Names and tables only: whoever they hold is in mynetworks by definition.
    const auto own = address.empty() ? std::optional(true) : std::nullopt;
    auto asked = subject(address.empty() ? std::string(kStrangers4[0]) : address);
    asked.encrypted = listener_.tls_required;
    out_.clients.push_back(ask(ClientClass::own_networks, who, std::move(asked), own));
  }

  std::optional<bool> foreign_network() const { return symbolic_networks_ ? std::optional(false) : std::nullopt; }

  // An address outside mynetworks; empty when there is none.
  template <std::size_t N>
  std::string stranger(const std::array<std::string_view, N>& candidates) {
    if (symbolic_networks_) return std::string(candidates[0]);
    const auto found = std::ranges::find_if(candidates, [&](std::string_view a) { return !is_own(std::string(a)); });
    return found == candidates.end() ? "" : std::string(*found);
  }

  void add_authenticated() {
    constexpr std::string_view kWho = "clients with a name and a password";
    if (!listener_.auth_enabled)
      return add_absent(ClientClass::authenticated, std::string(kWho), "smtpd_sasl_auth_enable = no");
    if (!listener_.auth_possible)
      return add_absent(ClientClass::authenticated, std::string(kWho), "nothing here can check a password");
    std::string address = stranger(kStrangers4);
    if (address.empty()) address = kStrangers4[0];
    auto asked = subject(address);
    asked.sasl_method = "PLAIN";
    asked.sasl_username = "user";
    asked.encrypted = listener_.tls_offered;
    out_.clients.push_back(ask(ClientClass::authenticated, std::string(kWho), std::move(asked), foreign_network()));
  }

  // Only where a list asks for certificates.
  void add_certificate() {
    constexpr std::array<std::string_view, 3> kWords = {"permit_tls_clientcerts", "permit_tls_all_clientcerts",
                                                        "check_ccert_access"};
    constexpr std::array<std::string_view, 5> kLists = {"smtpd_client_restrictions", "smtpd_helo_restrictions",
                                                        "smtpd_sender_restrictions", "smtpd_relay_restrictions",
                                                        "smtpd_recipient_restrictions"};
    const bool used = std::ranges::any_of(kLists, [&](std::string_view list) {
      const auto words = config::split_list(view_.value(list).value_or(""));
      return std::ranges::any_of(words, [&](const std::string& word) {
        return std::ranges::any_of(kWords, [&](std::string_view known) { return iequals(known, word); });
      });
    });
    if (!used) return;
    constexpr std::string_view kWho = "clients with a known certificate";
    if (!listener_.tls_offered || !listener_.certificate_asked)
      return add_absent(ClientClass::certificate, std::string(kWho),
                        "no certificate is asked for (smtpd_tls_ask_ccert = no)");
    std::string address = stranger(kStrangers4);
    if (address.empty()) address = kStrangers4[0];
    auto asked = subject(address);
    asked.encrypted = true;
    out_.clients.push_back(ask(ClientClass::certificate, std::string(kWho), std::move(asked), foreign_network()));
  }

  template <std::size_t N>
  void add_everybody_else(const std::array<std::string_view, N>& candidates, bool listens) {
    if (!listens) return;
    const bool v6 = candidates[0].find(':') != std::string_view::npos;
    std::string who = v6 ? "everybody else, by IPv6" : "everybody else";
    std::string address = stranger(candidates);
    if (address.empty()) {
      address = candidates[0];
      who = fmt::format("everybody (mynetworks holds every {} address)", v6 ? "IPv6" : "IPv4");
    }
    auto asked = subject(address);
    asked.encrypted = listener_.tls_required;
    add_stranger(who, asked);
    if (!listener_.tls_offered) return;
    asked.encrypted = true;
    if (!listener_.tls_required) add_stranger(who + ", inside TLS", asked);
    add_stranger_with_certificate(who, std::move(asked));
  }

  // Where it makes a difference to what is known already.
  void add_stranger(const std::string& who, const access::Subject& asked) {
    auto answer = ask(ClientClass::everybody_else, who, asked, foreign_network());
    const auto same = [&](const ClientAnswer& other) {
      return other.client == ClientClass::everybody_else && other.destinations == answer.destinations;
    };
    if (std::ranges::none_of(out_.clients, same)) out_.clients.push_back(std::move(answer));
    add_manners(who, asked);
  }

  // A stranger need not speak as others do: lists that go by what was said are not asked where nothing was.
  void add_manners(const std::string& who, const access::Subject& usual) {
    constexpr unsigned kNoHelo = 1, kNullSender = 2, kSeveral = 4;
    const unsigned possible = listener_.helo_required ? kNullSender | kSeveral : kNoHelo | kNullSender | kSeveral;
    for (const unsigned manner : {kNoHelo, kNullSender, kSeveral, kNoHelo | kNullSender | kSeveral}) {
      const unsigned used = manner & possible;
      auto asked = usual;
      std::string how;
      if ((used & kNoHelo) != 0) asked.helo.reset(), how += ", without HELO";
      if ((used & kNullSender) != 0) asked.sender = "", how += ", from <>";
      if ((used & kSeveral) != 0) how += ", to several recipients";
      if (used != 0) add_if_it_permits_more(who + how, std::move(asked), (used & kSeveral) != 0);
    }
  }

  // Anybody can make a certificate, and get one of a public authority.
  void add_stranger_with_certificate(const std::string& who, access::Subject asked) {
    if (!listener_.certificate_asked || asks_network(view_.value("relay_clientcerts").value_or(""))) return;
    const bool is_public = trusts_public_authorities();
    asked.certificate = access::Certificate{is_public, "00:11:22:33", "33:22:11:00"};
    add_if_it_permits_more(
        who + (is_public ? ", with a certificate of a public authority" : ", with a certificate of their own"),
        std::move(asked), false);
  }

  bool trusts_public_authorities() const {
    constexpr std::array<std::string_view, 4> kPublic = {"/etc/ssl/", "/etc/pki/", "/usr/share/ca-certificates",
                                                         "/usr/lib/ssl"};
    constexpr std::array<std::string_view, 2> kBundles = {"ca-certificates.crt", "ca-bundle.crt"};
    const std::string file(trim(view_.value("smtpd_tls_CAfile").value_or("")));
    const std::string path(trim(view_.value("smtpd_tls_CApath").value_or("")));
    return iequals(trim(view_.value("tls_append_default_CA").value_or("")), "yes") ||
           std::ranges::any_of(kBundles, [&](std::string_view name) { return file.ends_with(name); }) ||
           std::ranges::any_of(kPublic, [&](std::string_view start) { return path.starts_with(start); });
  }

  void add_if_it_permits_more(std::string who, access::Subject asked, bool several_recipients) {
    auto answer =
        ask(ClientClass::everybody_else, std::move(who), std::move(asked), foreign_network(), several_recipients);
    for (std::size_t i = 0; i < answer.destinations.size(); ++i) {
      const int freedom = freedom_of(answer.destinations[i]);
      const bool is_known = std::ranges::any_of(out_.clients, [&](const ClientAnswer& other) {
        return other.client == ClientClass::everybody_else && freedom_of(other.destinations[i]) >= freedom;
      });
      if (!is_known) return out_.clients.push_back(std::move(answer));
    }
  }

  // 2: relays, 1: may relay, 0: may not.
  static int freedom_of(const Answer& answer) {
    if (!answer.absent.empty()) return 0;
    if (answer.usual.outcome == Outcome::permit) return 2;
    return std::ranges::any_of(answer.otherwise, [](const Ruling& r) { return r.outcome == Outcome::permit; }) ? 1 : 0;
  }

  // What it comes to.
  void conclude() {
    for (const ClientAnswer& client : out_.clients) {
      if (client.client == ClientClass::everybody_else) conclude_stranger(client);
    }
    conclude_claims();
  }

  void conclude_stranger(const ClientAnswer& client) {
    const std::string who = client.who + (client.who.find(',') == std::string::npos ? "" : ",");
    for (const Answer& answer : client.destinations) {
      if (!answer.absent.empty()) continue;
      if (answer.destination == DestinationClass::foreign) add_forgeable(answer);
      if (answer.usual.outcome != Outcome::permit) continue;
      const auto& tops = destinations_.swallowed(answer.destination);
      if (answer.destination == DestinationClass::foreign) {
        out_.open.push_back(fmt::format("{} may send to foreign domains", who));
      } else if (!tops.empty()) {
        const bool is_relay = answer.destination == DestinationClass::relay_domains;
        out_.open.push_back(fmt::format("{} may send to {} everything below {}", who,
                                        is_relay ? "relay_domains, which hold" : "this host's own domains, which are",
                                        fmt::join(tops, ", ")));
      }
    }
  }

  // Who may say who it is may do what he may whom it claims to be.
  void conclude_claims() {
    const bool is_here = listener_.proxy_header && !std::ranges::all_of(listener_.endpoints, is_loopback);
    const bool by_xclient = everybody_may_xclient();
    if (!is_here && !by_xclient) return;
    const Answer* const user = out_.find(ClientClass::authenticated, DestinationClass::foreign);
    if (by_xclient && (own_address_relays() || (user != nullptr && freedom_of(*user) == 2)))
      out_.open.push_back(
          "everybody may claim to be a client that may send to foreign domains, by XCLIENT "
          "(smtpd_authorized_xclient_hosts)");
    if (is_here && own_address_relays())
      out_.forgeable.push_back(
          "whoever reaches the port may claim an address that may send to foreign domains, in the header of "
          "smtpd_upstream_proxy_protocol");
  }

  static bool is_loopback(const net::Endpoint& endpoint) {
    return endpoint.is_unix || endpoint.address.starts_with("127.") || endpoint.address == "::1";
  }

  bool everybody_may_xclient() {
    if (listener_.xclient_hosts == nullptr) return false;
    if (asks_network(view_.value("smtpd_authorized_xclient_hosts").value_or(""))) return false;
    const auto may = [&](std::string_view address) {
      const auto listed = prober_.run(listener_.xclient_hosts->matches_host("unknown", std::string(address)));
      return listed && *listed;
    };
    return (listens_to(AF_INET) && std::ranges::all_of(kStrangers4, may)) ||
           (listens_to(AF_INET6) && std::ranges::all_of(kStrangers6, may));
  }

  // A client of mynetworks, or this host itself.
  bool own_address_relays() {
    const Answer* const own = out_.find(ClientClass::own_networks, DestinationClass::foreign);
    if (own != nullptr && freedom_of(*own) == 2) return true;
    auto asked = subject("127.0.0.1");
    asked.encrypted = listener_.tls_required;
    const auto here = ask(ClientClass::own_networks, "", std::move(asked));
    return freedom_of(here.destinations.front()) == 2;
  }

  void add_forgeable(const Answer& answer) {
    for (const Ruling& ruling : answer.otherwise) {
      if (ruling.outcome != Outcome::permit) continue;
      const bool all =
          std::ranges::all_of(ruling.conditions, [](const Condition& c) { return c.permits && c.forgeable; });
      if (!all || ruling.conditions.empty()) continue;
      std::vector<std::string> steps;
      for (const Condition& condition : ruling.conditions) steps.push_back(condition.step.restriction);
      out_.forgeable.push_back(
          fmt::format("whoever claims what {} permits may send to foreign domains", fmt::join(steps, " and ")));
    }
  }

  Prober& prober_;
  const config::Configuration& configuration_;
  const Listener& listener_;
  config::View view_;
  const std::vector<Destinations::Question>& questions_;
  const Destinations& destinations_;
  std::string networks_;
  bool symbolic_networks_ = false;
  ListenerProof out_;
};

}  // namespace

std::string_view to_text(ClientClass client) {
  switch (client) {
    case ClientClass::own_networks:
      return "own-networks";
    case ClientClass::authenticated:
      return "authenticated";
    case ClientClass::certificate:
      return "certificate";
    case ClientClass::everybody_else:
      return "everybody-else";
  }
  return "everybody-else";
}

std::string_view to_text(DestinationClass destination) {
  switch (destination) {
    case DestinationClass::foreign:
      return "foreign";
    case DestinationClass::relay_domains:
      return "relay-domains";
    case DestinationClass::own_domains:
      return "own-domains";
  }
  return "foreign";
}

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::permit:
      return "permit";
    case Outcome::reject:
      return "reject";
    case Outcome::defer:
      return "defer";
  }
  return "defer";
}

const Answer* ListenerProof::find(ClientClass client, DestinationClass destination) const {
  for (const ClientAnswer& answer : clients) {
    if (answer.client != client || !answer.absent.empty()) continue;
    for (const Answer& row : answer.destinations) {
      if (row.destination == destination && row.absent.empty()) return &row;
    }
  }
  return nullptr;
}

bool RelayProof::is_open() const {
  return std::ranges::any_of(listeners, [](const ListenerProof& listener) { return !listener.open.empty(); });
}

bool RelayProof::is_forgeable() const {
  return std::ranges::any_of(listeners, [](const ListenerProof& listener) { return !listener.forgeable.empty(); });
}

RelayProof prove_relay(const config::Configuration& configuration, const routing::Router& router,
                       const std::vector<Listener>& listeners) {
  Prober prober;
  Destinations destinations(prober, configuration, router);
  const auto questions = destinations.questions();
  RelayProof proof;
  for (const Listener& listener : listeners) {
    proof.listeners.push_back(ListenerProver(prober, configuration, listener, questions, destinations).prove());
  }
  return proof;
}

}  // namespace waypost::review
