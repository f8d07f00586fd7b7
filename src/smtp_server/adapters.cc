#include "smtp_server/adapters.h"

#include <utility>

namespace waypost::smtp_server {
namespace {

std::optional<smtp::Reply> to_reply(std::optional<intake::Refusal> refusal) {
  if (!refusal) return std::nullopt;
  return smtp::Reply{refusal->code, std::move(refusal->dsn), std::move(refusal->text)};
}

class Incoming final : public IncomingMessage {
 public:
  explicit Incoming(std::unique_ptr<intake::Message> message) : message_(std::move(message)) {}

  net::Task<std::optional<smtp::Reply>> append(std::string_view content) override {
    auto refusal = co_await message_->append(content);
    co_return to_reply(std::move(refusal));
  }
  net::Task<Verdict> finish() override {
    intake::Verdict verdict = co_await message_->finish();
    co_return Verdict{verdict.id, to_reply(std::move(verdict.refusal))};
  }

 private:
  std::unique_ptr<intake::Message> message_;
};

}  // namespace

net::Task<bool> PolicyAccess::matches(const tables::MatchList* list, const access::Subject& subject) {
  if (list == nullptr || list->empty()) co_return false;
  const auto matched = co_await list->matches_host(subject.client_name, subject.client_address);
  co_return matched.value_or(false);
}

std::optional<smtp::Reply> IntakeAdapter::check_space(std::uint64_t size) {
  return to_reply(intake_.check_space(size));
}

std::unique_ptr<IncomingMessage> IntakeAdapter::begin(mail::Envelope envelope, std::string tls_lines) {
  intake::Trace trace;
  trace.tls_lines = std::move(tls_lines);
  auto completion = completion_ ? completion_(envelope) : intake::Completion{};
  return std::make_unique<Incoming>(intake_.begin(std::move(envelope), std::move(trace), std::move(completion)));
}

}  // namespace waypost::smtp_server
