// The real answers to a session's questions: access/ and intake/ behind the ports of ports.h.
#pragma once

#include <memory>

#include "access/policy.h"
#include "intake/intake.h"
#include "smtp_server/ports.h"
#include "tables/match_list.h"

namespace waypost::smtp_server {

// One listener's restriction lists.
class PolicyAdapter final : public AccessPort {
 public:
  // `limit_exceptions`: smtpd_client_event_limit_exceptions.
  PolicyAdapter(std::shared_ptr<const access::Policy> policy, tables::MatchList limit_exceptions)
      : policy_(std::move(policy)), limit_exceptions_(std::move(limit_exceptions)) {}

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
  // A list that cannot be looked up exempts nobody.
  net::Task<bool> is_exempt_from_limits(const access::Subject& subject) override;

 private:
  std::shared_ptr<const access::Policy> policy_;
  tables::MatchList limit_exceptions_;
};

class IntakeAdapter final : public IntakePort {
 public:
  // Outlives the adapter.
  explicit IntakeAdapter(intake::Intake& intake) : intake_(intake) {}

  QueueId next_id() override { return intake_.next_id(); }
  std::optional<smtp::Reply> check_space(std::uint64_t size) override;
  std::unique_ptr<IncomingMessage> begin(mail::Envelope envelope, std::string tls_lines) override;

 private:
  intake::Intake& intake_;
};

}  // namespace waypost::smtp_server
