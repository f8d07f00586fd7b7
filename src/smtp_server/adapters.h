// The ports over the modules that stand behind them in the relay.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "access/policy.h"
#include "intake/intake.h"
#include "smtp_server/ports.h"
#include "tables/match_list.h"
#include "tables/table_list.h"

namespace waypost::smtp_server {

// One listener's restriction lists. Immutable; any thread.
class PolicyAccess final : public AccessPort {
 public:
  using Lists = std::array<tables::MatchList, kClientLists>;  // by ClientList

  PolicyAccess(std::shared_ptr<const access::Policy> policy, Lists lists, tables::TableList hidden_keywords = {},
               tables::TableList command_filter = {})
      : policy_(std::move(policy)),
        lists_(std::move(lists)),
        hidden_keywords_(std::move(hidden_keywords)),
        command_filter_(std::move(command_filter)) {}

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
  net::Task<access::Decision> check_etrn(const access::Subject& subject, access::Memory& memory) override {
    return policy_->check_etrn(subject, memory);
  }
  net::Task<access::Decision> check_data(const access::Subject& subject) override {
    return policy_->check_data(subject);
  }
  net::Task<access::Decision> check_end_of_data(const access::Subject& subject) override {
    return policy_->check_end_of_data(subject);
  }
  bool has(ClientList list) const override { return !list_of(list).empty(); }
  net::Task<Result<bool>> is_listed(ClientList list, const access::Subject& subject) override;
  net::Task<Result<bool>> may_omit_headers(const access::Subject& subject) override {
    return policy_->may_omit_headers(subject);
  }
  bool filters_commands() const override { return !command_filter_.empty(); }
  net::Task<Result<std::optional<std::string>>> replaced_command(std::string command) override {
    return command_filter_.find({std::move(command)});
  }
  net::Task<Result<std::optional<std::string>>> hidden_keywords(const access::Subject& subject) override;

 private:
  const tables::MatchList& list_of(ClientList list) const { return lists_[static_cast<std::size_t>(list)]; }

  std::shared_ptr<const access::Policy> policy_;
  Lists lists_;
  tables::TableList hidden_keywords_, command_filter_;
};

// The relay's one intake. Any thread.
class IntakeAdapter final : public IntakePort {
 public:
  // `intake` outlives every session.
  explicit IntakeAdapter(intake::Intake& intake) : intake_(intake) {}

  QueueId next_id() override { return intake_.next_id(); }
  std::optional<smtp::Reply> check_space(std::uint64_t size) override;
  std::unique_ptr<IncomingMessage> begin(mail::Envelope envelope, Arrival arrival) override;

 private:
  intake::Intake& intake_;
};

}  // namespace waypost::smtp_server
