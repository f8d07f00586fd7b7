// Who may relay to where: proven from the configuration alone, by asking the restriction lists of every listener the
// way a client would, once for each class of clients and of destinations.
//
// What the lists decide comes from access::Policy itself. What only a session could know is taken through all its
// possibilities: a table, a DNS list or a policy server may permit, refuse or not care. So an answer is what usually
// happens, and what else may, with the conditions. No network is used unless a local table type needs it.
// Blocking; runs an io thread of its own. One proof may be made on any thread that is none of net's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/policy.h"
#include "config/load.h"
#include "net/endpoint.h"
#include "routing/router.h"
#include "tables/match_list.h"

namespace waypost::review {

// One smtpd service of master.cf.
struct Listener {
  const config::Service* service = nullptr;  // of the configuration under review
  std::vector<net::Endpoint> endpoints;
  std::shared_ptr<const access::Policy> policy;
  std::string refusal;                               // why it does not serve; empty: it does
  bool auth_enabled = false;                         // smtpd_sasl_auth_enable
  bool auth_possible = false;                        // and something can check a password
  bool tls_offered = false;                          // STARTTLS or wrapper mode
  bool tls_required = false;                         // encrypt or wrapper mode
  bool certificate_asked = false;                    // smtpd_tls_ask_ccert, smtpd_tls_req_ccert
  bool helo_required = false;                        // smtpd_helo_required
  bool proxy_header = false;                         // smtpd_upstream_proxy_protocol
  const tables::MatchList* xclient_hosts = nullptr;  // smtpd_authorized_xclient_hosts
};

enum class ClientClass : unsigned char { own_networks, authenticated, certificate, everybody_else };
enum class DestinationClass : unsigned char { foreign, relay_domains, own_domains };
enum class Outcome : unsigned char { permit, reject, defer };

// "own-networks", "foreign", "permit": as JSON has them.
std::string_view to_text(ClientClass client);
std::string_view to_text(DestinationClass destination);
std::string_view to_text(Outcome outcome);

// One restriction where it stands.
struct Step {
  std::string restriction;  // "check_client_access hash:/etc/postfix/clients"
  std::string parameter;    // "smtpd_relay_restrictions"
  std::string file;         // empty: the list is the default
  int line = 0;

  bool operator==(const Step&) const = default;
};

// "if STEP permits"
struct Condition {
  Step step;
  bool permits = true;     // false: refuses
  bool forgeable = false;  // the client decides it by what it claims
  bool built = true;       // false: this version does not evaluate it (the listener does not serve)

  bool operator==(const Condition&) const = default;
};

struct Ruling {
  Outcome outcome = Outcome::permit;
  std::string reply;               // of a refusal: "554 5.7.1 <r@x>: Relay access denied"
  std::optional<Step> decided_by;  // nullopt: nothing in the lists refuses it
  std::vector<Condition> conditions;

  bool operator==(const Ruling&) const = default;
};

struct Answer {
  DestinationClass destination = DestinationClass::foreign;
  std::string example;  // the recipient that was asked for
  std::string absent;   // why there is no such destination; empty: there is
  Ruling usual;         // when no table, list or server has anything to say
  std::vector<Ruling> otherwise;
  bool complete = true;  // false: more combinations than kMaxPaths, some were not tried

  bool operator==(const Answer&) const = default;
};

struct ClientAnswer {
  ClientClass client = ClientClass::everybody_else;
  std::string who;     // "mynetworks = 127.0.0.0/8", "everybody else, inside TLS"
  std::string absent;  // why nobody is of this class; empty: somebody may be
  std::vector<Answer> destinations;
};

struct ListenerProof {
  std::string name;  // in master.cf
  std::string file;
  int line = 0;
  std::vector<std::string> endpoints;
  std::string refusal;
  std::vector<ClientAnswer> clients;
  std::vector<std::string> open;       // why anybody may relay; empty: it is no open relay
  std::vector<std::string> forgeable;  // what a stranger need only claim to relay

  // Null when the proof has no such class.
  const Answer* find(ClientClass client, DestinationClass destination) const;
};

struct RelayProof {
  std::vector<ListenerProof> listeners;

  bool is_open() const;
  bool is_forgeable() const;
};

inline constexpr std::size_t kMaxPaths = 1000;       // a client class and destination
inline constexpr std::size_t kMaxAlternatives = 20;  // that are told

RelayProof prove_relay(const config::Configuration& configuration, const routing::Router& router,
                       const std::vector<Listener>& listeners);

// For people, and as one JSON object.
std::string to_text(const RelayProof& proof);
std::string to_json(const RelayProof& proof);

}  // namespace waypost::review
