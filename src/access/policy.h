// The smtpd restriction lists: who may do what, stage by stage, as Postfix's SMTPD_ACCESS_README.
//
// Order within a list: left to right; permit ends the list (the next list follows), refuse is final, dunno goes on, the
// end of a list permits. With delay_reject the client, helo and sender lists run at each RCPT. At RCPT both the relay
// and the recipient list must let it pass. A Policy is an immutable snapshot; any thread may ask it.
// Failure: a lookup that fails answers 451 4.3.0, a mistake in the lists 451 4.3.5, only where evaluation reaches it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/task.h"
#include "routing/router.h"
#include "tables/match_list.h"
#include "tables/table_list.h"

namespace waypost::access {

class Inquiry;

struct Certificate {
  bool trusted = false;                      // its chain ends at one of our authorities
  std::string fingerprint, key_fingerprint;  // "AB:CD:...", by smtpd_tls_fingerprint_digest
};

// Who asks, and what. Addresses in internal form; nullopt: that command has not come (yet).
struct Subject {
  std::string client_name;  // "unknown" when there is no verified name
  std::string client_address;
  std::string client_port;  // when it is to be shown behind the address; else empty
  std::string reverse_name;
  std::optional<std::string> helo;
  std::string protocol;     // SMTP, ESMTP
  std::string sasl_method;  // empty: not authenticated
  std::string sasl_username;
  bool encrypted = false;
  std::optional<Certificate> certificate;  // that the client showed in its TLS session
  std::optional<std::string> sender;       // "" is the null sender
  std::optional<std::string> recipient;    // the one at hand (RCPT); at DATA the only one, nullopt when there are more
  Inquiry* inquiry = nullptr;              // set by the relay proof alone (inquiry.h)
};

// A reply that waits until the request would otherwise be permitted or refused.
struct Deferral {
  int code = 450;
  std::string dsn;
  std::string text;
};

// What the earlier stages of a session leave to the later ones. One for each session; reset nothing by hand.
struct Memory {
  std::optional<Deferral> after_client, after_helo, after_sender;  // defer_if_permit
};

struct Decision {
  enum class Kind : std::uint8_t { permit, refuse };
  Kind kind = Kind::permit;
  int code = 0;      // of a refusal, 400-599
  std::string dsn;   // "5.7.1"; its first digit is the code's
  std::string text;  // "<x@y>: Relay access denied"

  // What warn_if_reject let pass: "554 5.7.1 <x@y>: ...", to be logged as reject_warning: in the reject: line's shape.
  std::vector<std::string> would_refuse;
  // For the log at level warning, under the session's number: `unknown smtpd restriction: "x"`.
  std::vector<std::string> warnings;

  bool permitted() const { return kind == Kind::permit; }
  // "554 5.7.1 <x@y>: Relay access denied"
  std::string reply() const;
};

// Values after expansion, as main.cf and the service's -o have them.
struct AccessSettings {
  std::string client_restrictions, helo_restrictions, sender_restrictions, relay_restrictions, recipient_restrictions,
      data_restrictions, end_of_data_restrictions, etrn_restrictions;
  // smtpd_restriction_classes: restriction lists that other lists name.
  std::map<std::string, std::string, std::less<>> classes;
  bool delay_reject = true;
  bool relay_before_recipient = true;
  bool soft_bounce = false;
  bool reject_unlisted_recipient = true;
  bool reject_unlisted_sender = false;
  bool allow_untrusted_routing = false;
  int reject_code = 554;
  int defer_code = 450;
  int relay_domains_reject_code = 554;
  int plaintext_reject_code = 450;
  int unknown_local_recipient_reject_code = 550;
  int unknown_relay_recipient_reject_code = 550;
  int unknown_virtual_alias_reject_code = 550;
  // Who is known where; empty: everybody. Keys as tables::mail_address_keys.
  std::string local_recipient_maps, relay_recipient_maps;
  std::string recipient_delimiter;
  std::string double_bounce_sender = "double-bounce";
  std::string relay_clientcerts;             // fingerprints, for permit_tls_clientcerts
  bool asks_for_certificates = false;        // smtpd_tls_ask_ccert
  std::string local_header_rewrite_clients;  // who may leave out headers
  std::string mynetworks;
  bool mynetworks_match_parents = true;  // mynetworks is in parent_domain_matches_subdomains
};

// What check and start say about the lists.
struct Finding {
  enum class Severity : std::uint8_t { warning, error };
  Severity severity = Severity::warning;
  std::string code;       // stable, "unknown-restriction"
  std::string parameter;  // "smtpd_relay_restrictions"
  std::string text;

  bool operator==(const Finding&) const = default;
};

class Evaluation;
enum class Verdict : std::uint8_t;
struct Restriction;  // one step of a list (restrictions.h)
struct RestrictionType;

class Policy {
 public:
  // Always a Policy; when a finding is an error the listener must not serve with it. `registry` is used while building
  // only.
  static std::shared_ptr<const Policy> build(const AccessSettings& settings, tables::TableRegistry& registry,
                                             std::shared_ptr<const routing::Router> router,
                                             std::vector<Finding>& findings);
  ~Policy();

  // Call each at its command, always: with delay_reject the first three permit and are made up for at check_rcpt. The
  // arguments must live until the task is done.
  net::Task<Decision> check_connect(const Subject& subject, Memory& memory) const;
  net::Task<Decision> check_helo(const Subject& subject, Memory& memory) const;
  net::Task<Decision> check_mail(const Subject& subject, Memory& memory) const;
  net::Task<Decision> check_rcpt(const Subject& subject, Memory& memory) const;
  net::Task<Decision> check_etrn(const Subject& subject, Memory& memory) const;  // `recipient` holds the domain
  net::Task<Decision> check_data(const Subject& subject) const;
  net::Task<Decision> check_end_of_data(const Subject& subject) const;

  // Whether the client is in mynetworks; for limits that spare own clients. Errc::unavailable: cannot be told.
  net::Task<Result<bool>> is_mynetworks(std::string name, std::string address) const;
  // local_header_rewrite_clients, left to right. Errc::unavailable: a lookup failed.
  net::Task<Result<bool>> may_omit_headers(const Subject& subject) const;
  // Whether it is one of this host's own (inet_interfaces).
  bool is_own_address(std::string_view address) const;

 private:
  friend class Evaluation;
  explicit Policy(const AccessSettings& settings);

  net::Task<Verdict> run_client(Evaluation& evaluation, Memory& memory) const;
  net::Task<Verdict> run_helo(Evaluation& evaluation, Memory& memory) const;
  net::Task<Verdict> run_sender(Evaluation& evaluation, Memory& memory) const;
  net::Task<Verdict> run_recipient(Evaluation& evaluation, const Memory& memory) const;
  net::Task<Verdict> refuse_bad_recipient(Evaluation& evaluation) const;
  net::Task<Verdict> refuse_unlisted_recipient(Evaluation& evaluation) const;
  net::Task<Verdict> refuse_unlisted_sender(Evaluation& evaluation) const;
  net::Task<Verdict> refuse_unlisted(Evaluation& evaluation, const Result<routing::Route>& route,
                                     const std::string& address, bool is_sender) const;
  net::Task<Result<bool>> is_known(const tables::TableList& maps, const routing::Route& route) const;
  void build_rewriting(tables::TableRegistry& registry, std::vector<Finding>& findings);

  AccessSettings settings_;
  tables::MatchList mynetworks_;
  tables::TableList local_recipients_, relay_recipients_, client_certificates_;
  std::shared_ptr<const routing::Router> router_;
  std::vector<Restriction> client_, helo_, sender_, relay_, recipient_, data_, end_of_data_, etrn_;
  // local_header_rewrite_clients: a restriction that may permit, or a table of addresses.
  std::vector<std::pair<const RestrictionType*, tables::TableList>> rewriting_;
};

}  // namespace waypost::access
