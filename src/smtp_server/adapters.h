// The ports over the modules that stand behind them in the relay.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "access/policy.h"
#include "intake/intake.h"
#include "smtp_server/ports.h"
#include "tables/match_list.h"

namespace waypost::smtp_server {

// One listener's restriction lists. Immutable; any thread.
class PolicyAccess final : public AccessPort {
 public:
  using List = std::shared_ptr<const tables::MatchList>;

  // `exceptions`: smtpd_client_event_limit_exceptions; `bare_newlines`: smtpd_forbid_bare_newline_exclusions. Null is
  // an empty list.
  PolicyAccess(std::shared_ptr<const access::Policy> policy, List exceptions, List bare_newlines = nullptr)
      : policy_(std::move(policy)), exceptions_(std::move(exceptions)), bare_newlines_(std::move(bare_newlines)) {}

  net::Task<access::Decision> check_connect(const access::Subject& subject, access::Memory& memory) override {
    return policy_->check_connect(subject, memory);
  }
  net::Task<access::Decision> check_helo(const access::Subject& subject, access::Memory& memory) override {
    return policy_->check_helo(subject, memory);
  }
  net::Task<access::Decision> check_mail(const access::Subject& subject, access::Memory& memory) override {
    return policy_->check_mail(subject, memory);
  }
  net::Task<access::Decision> check_rcpt(const access::Subject& subject, access::Memory& memory) override {
    return policy_->check_rcpt(subject, memory);
  }
  net::Task<access::Decision> check_data(const access::Subject& subject) override {
    return policy_->check_data(subject);
  }
  net::Task<access::Decision> check_end_of_data(const access::Subject& subject) override {
    return policy_->check_end_of_data(subject);
  }
  // A list that cannot be read exempts nobody.
  net::Task<bool> is_exempt_from_limits(const access::Subject& subject) override {
    return matches(exceptions_.get(), subject);
  }
  net::Task<bool> may_send_bare_newlines(const access::Subject& subject) override {
    return matches(bare_newlines_.get(), subject);
  }

 private:
  static net::Task<bool> matches(const tables::MatchList* list, const access::Subject& subject);

  std::shared_ptr<const access::Policy> policy_;
  List exceptions_, bare_newlines_;
};

// The relay's one intake. Any thread.
class IntakeAdapter final : public IntakePort {
 public:
  // Whether the message of this client gets the headers that it lacks (local_header_rewrite_clients,
  // always_add_missing_headers). Must not block.
  using CompletionRule = std::function<intake::Completion(const mail::Envelope&)>;

  // `intake` outlives every session.
  IntakeAdapter(intake::Intake& intake, CompletionRule completion)
      : intake_(intake), completion_(std::move(completion)) {}

  QueueId next_id() override { return intake_.next_id(); }
  std::optional<smtp::Reply> check_space(std::uint64_t size) override;
  std::unique_ptr<IncomingMessage> begin(mail::Envelope envelope, std::string tls_lines) override;

 private:
  intake::Intake& intake_;
  CompletionRule completion_;
};

}  // namespace waypost::smtp_server
