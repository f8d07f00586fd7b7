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

net::Task<Result<bool>> PolicyAccess::is_listed(ClientList list, const access::Subject& subject) {
  return list_of(list).matches_host(subject.client_name, subject.client_address);
}

net::Task<Result<std::optional<std::string>>> PolicyAccess::hidden_keywords(const access::Subject& subject) {
  if (hidden_keywords_.empty()) co_return std::nullopt;
  auto found = co_await hidden_keywords_.find({subject.client_address});
  co_return found;
}

std::optional<smtp::Reply> IntakeAdapter::check_space(std::uint64_t size) {
  return to_reply(intake_.check_space(size));
}

std::unique_ptr<IncomingMessage> IntakeAdapter::begin(mail::Envelope envelope, Arrival arrival) {
  intake::Trace trace;
  trace.settings = std::move(arrival.trace);
  trace.tls_lines = std::move(arrival.tls_lines);
  trace.hides_client = arrival.hides_client;
  return std::make_unique<Incoming>(
      intake_.begin(std::move(envelope), std::move(trace), {.wanted = arrival.completes_headers, .full_name = {}}));
}

}  // namespace waypost::smtp_server
