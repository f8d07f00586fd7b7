#include "smtp_server/adapters.h"

namespace waypost::smtp_server {
namespace {

std::optional<smtp::Reply> to_reply(std::optional<intake::Refusal> refusal) {
  if (!refusal) return std::nullopt;
  return smtp::Reply{refusal->code, std::move(refusal->dsn), std::move(refusal->text)};
}

class MessageAdapter final : public IncomingMessage {
 public:
  explicit MessageAdapter(std::unique_ptr<intake::Message> message) : message_(std::move(message)) {}

  net::Task<std::optional<smtp::Reply>> append(std::string_view content) override {
    auto refusal = co_await message_->append(content);
    co_return to_reply(std::move(refusal));
  }
  net::Task<Verdict> finish() override {
    auto verdict = co_await message_->finish();
    co_return Verdict{verdict.id, to_reply(std::move(verdict.refusal))};
  }

 private:
  std::unique_ptr<intake::Message> message_;
};

}  // namespace

net::Task<bool> PolicyAdapter::is_exempt_from_limits(const access::Subject& subject) {
  const auto matched = co_await limit_exceptions_.matches_host(subject.client_name, subject.client_address);
  co_return matched.value_or(false);
}

std::optional<smtp::Reply> IntakeAdapter::check_space(std::uint64_t size) {
  return to_reply(intake_.check_space(size));
}

std::unique_ptr<IncomingMessage> IntakeAdapter::begin(mail::Envelope envelope, std::string tls_lines) {
  // Clients on this host's own addresses may leave headers out (local_header_rewrite_clients, permit_inet_interfaces).
  const bool own = intake_.settings()->router->domains().is_own_address(envelope.client_address);
  return std::make_unique<MessageAdapter>(
      intake_.begin(std::move(envelope), {.tls_lines = std::move(tls_lines)}, {.wanted = own}));
}

}  // namespace waypost::smtp_server
