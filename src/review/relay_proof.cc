#include "review/relay_proof.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "config/values.h"
#include "review/relay_paths.h"
#include "review/text_table.h"
#include "tables/cidr.h"
#include "tables/table_list.h"

namespace waypost::review {
namespace {

constexpr std::string_view kForeignLabel = "relay-proof-of-a-stranger";
// One name below each of some top-level domains: when all of them are "ours", so is the world.
constexpr std::array<std::string_view, 8> kTopDomains = {"example", "com", "net", "org", "de", "info", "io", "uk"};
// Addresses all over the public space; the first that is in no network of ours stands for the stranger.
constexpr std::array<std::string_view, 16> kStrangers4 = {
    "203.0.113.77", "198.51.100.77", "192.0.2.77", "8.8.8.8",     "1.1.1.1",      "23.45.67.89",
    "45.67.89.10",  "66.77.88.99",   "81.2.3.4",   "94.5.6.7",    "104.18.19.20", "128.30.2.36",
    "151.101.1.69", "172.217.4.46",  "190.1.2.3",  "217.10.20.30"};
constexpr std::array<std::string_view, 6> kStrangers6 = {"2001:db8:77::77",   "2606:4700::1111",
                                                         "2a00:1450:4001::1", "2001:4860:4860::8888",
                                                         "2400:cb00:2048::1", "2803:f800::77"};
// Table types whose lookups stay on this host.
constexpr std::array<std::string_view, 15> kLocalTypes = {"btree",  "cdb",  "cidr",   "dbm",      "environ",
                                                          "fail",   "hash", "inline", "lmdb",     "pcre",
                                                          "regexp", "sdbm", "static", "texthash", "unix"};

bool is_local_type(std::string_view type) { return std::ranges::find(kLocalTypes, type) != kLocalTypes.end(); }

// Whether a list holds a table that a network would have to be asked for.
bool asks_network(std::string_view value) {
  return std::ranges::any_of(tables::split_list(value), [](std::string_view word) {
    while (word.starts_with('!')) word.remove_prefix(1);
    const auto table = parse_table_word(word);
    return table && !is_local_type(table->type);
  });
}

std::string address_text(const tables::Address& address) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), text, sizeof text);
  return text;
}

// The literal domains of a list, as far as one can be asked for by name.
std::vector<std::string> literal_domains(std::string_view value) {
  std::vector<std::string> out;
  for (const std::string_view word : tables::split_list(value)) {
    const bool is_name = !word.empty() && is_alnum(word.front()) && word.find_first_of(":/") == std::string_view::npos;
    if (is_name) {
      out.push_back(to_lower(word));
    } else if (const auto table = read_text_table(word); table && !table->patterns) {
      for (const TableRow& row : table->rows) {
        if (!row.key.empty() && out.size() < kMaxReviewedRows) out.push_back(row.key);
      }
    }
  }
  return out;
}

// What the destinations of each class are, and a recipient to ask for. Of the whole configuration, not of a listener.
class Destinations {
 public:
  Destinations(Prober& prober, const config::Configuration& configuration, const routing::Router& router)
      : prober_(prober), router_(router), view_(configuration.view()) {
    for (const auto* name : {"mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains"}) {
      is_symbolic_ |= asks_network(value(name));
    }
  }

  // The question for a class; `absent` set: it has no domain.
  struct Question {
    Answer answer;
    std::string recipient;
    std::optional<routing::Route> route;
  };

  std::vector<Question> questions() {
    return {
        foreign(), of_class(DestinationClass::relay_domains, {"relay_domains"}),
        of_class(DestinationClass::own_domains, {"mydestination", "virtual_alias_domains", "virtual_mailbox_domains"})};
  }
  // Top-level domains below which everything is ours.
  const std::vector<std::string>& swallowed() const { return swallowed_; }

 private:
  std::string value(std::string_view name) const { return view_.value(name).value_or(""); }

  std::optional<routing::AddressClass> class_of(const std::string& domain) {
    const auto found = prober_.run(router_.domains().classify(domain));
    return found ? std::optional(*found) : std::nullopt;
  }

  Question symbolic(DestinationClass destination, routing::AddressClass address_class,
                    std::string_view transport) const {
    Question question;
    question.answer.destination = destination;
    question.recipient = fmt::format("recipient@{}.example", to_text(destination));
    routing::Route route;
    route.recipient = question.recipient;
    route.address_class = address_class;
    route.transport = transport;
    route.nexthop = fmt::format("{}.example", to_text(destination));
    question.route = std::move(route);
    return question;
  }

  Question foreign() {
    if (is_symbolic_) return symbolic(DestinationClass::foreign, routing::AddressClass::other, "smtp");
    Question question;
    question.answer.destination = DestinationClass::foreign;
    for (const std::string_view top : kTopDomains) {
      const std::string domain = fmt::format("{}.{}", kForeignLabel, top);
      const auto found = class_of(domain);
      if (found == routing::AddressClass::other) {
        if (question.recipient.empty()) question.recipient = "recipient@" + domain;
      } else if (found == routing::AddressClass::relay) {
        swallowed_.emplace_back(top);
      }
    }
    if (question.recipient.empty())
      question.answer.absent = "every domain is one of this host's own or of relay_domains";
    return question;
  }

  Question of_class(DestinationClass destination, const std::vector<std::string_view>& parameters) {
    const bool wants_relay = destination == DestinationClass::relay_domains;
    if (is_symbolic_) {
      return wants_relay ? symbolic(destination, routing::AddressClass::relay, "relay")
                         : symbolic(destination, routing::AddressClass::local, "local");
    }
    Question question;
    question.answer.destination = destination;
    std::size_t tried = 0;
    bool is_empty = true;
    for (const std::string_view parameter : parameters) {
      is_empty &= trim(value(parameter)).empty();
      auto domains = literal_domains(value(parameter));
      if (wants_relay && !swallowed_.empty())
        domains.push_back(fmt::format("{}.{}", kForeignLabel, swallowed_.front()));
      for (const std::string& domain : domains) {
        if (++tried > kMaxTried) break;
        const auto found = class_of(domain);
        const bool fits =
            wants_relay ? found == routing::AddressClass::relay
                        : found && *found != routing::AddressClass::relay && *found != routing::AddressClass::other;
        if (!fits) continue;
        question.recipient = "recipient@" + domain;
        return question;
      }
    }
    question.answer.absent =
        fmt::format("{} {}", is_empty ? "no domain is listed in" : "no further domain to ask for is in",
                    fmt::join(parameters, ", "));
    return question;
  }

  static constexpr std::size_t kMaxTried = 100;

  Prober& prober_;
  const routing::Router& router_;
  config::View view_;
  bool is_symbolic_ = false;
  std::vector<std::string> swallowed_;
};

class ListenerProver {
 public:
  ListenerProver(Prober& prober, const config::Configuration& configuration, const Listener& listener,
                 const std::vector<Destinations::Question>& questions, const std::vector<std::string>& swallowed)
      : prober_(prober),
        configuration_(configuration),
        listener_(listener),
        view_(configuration.view(listener.service)),
        questions_(questions),
        swallowed_(swallowed),
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

  ClientAnswer ask(ClientClass client, std::string who, access::Subject subject, std::optional<bool> own = {}) {
    ClientAnswer answer{client, std::move(who), "", {}};
    for (const auto& question : questions_) {
      Answer row = question.answer;
      row.example = question.recipient;
      if (row.absent.empty()) {
        subject.recipient = question.recipient;
        Paths paths = explore(prober_, configuration_, listener_, subject, {client, own, question.route});
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
    const std::string address = stranger(candidates);
    if (address.empty()) {
      everybody_is_own_ = true;
      out_.open.push_back(fmt::format("mynetworks holds every {} address", v6 ? "IPv6" : "IPv4"));
      return;
    }
    auto asked = subject(address);
    const auto add = [&](std::string who) {
      auto answer = ask(ClientClass::everybody_else, std::move(who), asked, foreign_network());
      const auto same = [&](const ClientAnswer& other) {
        return other.client == ClientClass::everybody_else && other.destinations == answer.destinations;
      };
      if (std::ranges::none_of(out_.clients, same)) out_.clients.push_back(std::move(answer));
    };
    const std::string who = v6 ? "everybody else, by IPv6" : "everybody else";
    asked.encrypted = listener_.tls_required;
    add(who);
    if (listener_.tls_offered && !listener_.tls_required) {
      asked.encrypted = true;
      add(who + ", inside TLS");
    }
  }

  // What it comes to.
  void conclude() {
    for (const ClientAnswer& client : out_.clients) {
      if (client.client == ClientClass::everybody_else) conclude_stranger(client);
      if (client.client != ClientClass::own_networks || !everybody_is_own_) continue;
      // An own network that is everybody is only harmless where it may not relay either.
      const bool may = std::ranges::any_of(client.destinations, [](const Answer& answer) {
        return answer.destination == DestinationClass::foreign && answer.absent.empty() &&
               answer.usual.outcome == Outcome::permit;
      });
      if (!may) out_.open.clear();
    }
  }

  void conclude_stranger(const ClientAnswer& client) {
    for (const Answer& answer : client.destinations) {
      if (!answer.absent.empty()) continue;
      const bool is_permitted = answer.usual.outcome == Outcome::permit;
      if (answer.destination == DestinationClass::foreign) {
        if (is_permitted) out_.open.push_back(fmt::format("{} may send to foreign domains", client.who));
        add_forgeable(answer);
      }
      if (answer.destination == DestinationClass::relay_domains && is_permitted && !swallowed_.empty()) {
        out_.open.push_back(fmt::format("{} may send to relay_domains, which hold everything below {}", client.who,
                                        fmt::join(swallowed_, ", ")));
      }
    }
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
  const std::vector<std::string>& swallowed_;
  std::string networks_;
  bool symbolic_networks_ = false;
  bool everybody_is_own_ = false;
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
    proof.listeners.push_back(
        ListenerProver(prober, configuration, listener, questions, destinations.swallowed()).prove());
  }
  return proof;
}

}  // namespace waypost::review
