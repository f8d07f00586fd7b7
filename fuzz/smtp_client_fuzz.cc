// ClientSession (SMTP and LMTP) against a server that says anything: no state is left in which it would go on in clear
// where TLS is required, send content that nobody accepted, or forget a recipient. The first byte chooses the settings,
// the second the number of recipients; the rest is what the server says.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "smtp/client_session.h"

using namespace waypost::smtp;
using Action = ClientSession::Action;

namespace {

class Run {
 public:
  Run(std::uint8_t flags, std::uint8_t recipients)
      : required_((flags & 2) != 0), is_lmtp_((flags & 16) != 0), session_(settings(flags)) {
    envelope_.sender = "a@example.com";
    envelope_.client_name = "client.example";
    envelope_.client_address = "192.0.2.2";
    for (std::uint32_t i = 0; i <= recipients; ++i) {
      envelope_.recipients.push_back({.address = "b@example.org", .notify = flags});
      all_.push_back(i);
    }
  }

  void feed(std::string_view wire) {
    Action action = session_.start();
    while (!over_) {
      if (action == Action::write) {
        session_.output_sent();
        action = Action::read;
      }
      if (action != Action::read) {
        action = obey(action);
        continue;
      }
      const bool complete = parser_.next(wire);
      action = complete ? session_.on_reply(parser_.reply()) : session_.on_lost_connection();
    }
  }

 private:
  static ClientSessionSettings settings(std::uint8_t flags) {
    ClientSessionSettings settings;
    settings.helo_name = "relay.example";
    settings.peer = settings.peer_port = "mx[192.0.2.1]";
    settings.own_name = "relay.example";
    using Tls = ClientSessionSettings::Tls;
    settings.tls = (flags & 2) != 0 ? Tls::required : (flags & 1) != 0 ? Tls::may : Tls::none;
    settings.use_auth = (flags & 4) != 0;
    using Hello = ClientSessionSettings::Hello;
    if ((flags & 8) != 0) settings.hello = Hello::ehlo_if_greeted_so;
    if ((flags & 16) != 0) settings.hello = Hello::lhlo;
    settings.send_xforward = (flags & 32) != 0;
    return settings;
  }

  Action obey(Action action) {
    switch (action) {
      case Action::start_tls:
        encrypted_ = true;
        parser_.reset();
        return session_.on_tls();
      case Action::authenticate:
        return session_.auth_begin("PLAIN", "response");
      case Action::auth_challenge:
        return session_.auth_respond(session_.challenge());
      case Action::ready:
        WAYPOST_ASSERT(!required_ || encrypted_);
        return session_.begin({&envelope_, all_, {.size_bytes = 100}});
      case Action::send_content:
        WAYPOST_ASSERT(session_.refused().size() < all_.size() && !session_.failure());
        return session_.on_content_sent();
      case Action::done:
        return after_transaction();
      default:
        WAYPOST_ASSERT(action != Action::failed || session_.failure());
        over_ = true;
        return action;
    }
  }

  // Each recipient was refused or (LMTP) taken by name, once, or shares the message's fate.
  Action after_transaction() {
    std::set<std::uint32_t> settled;
    for (const auto& refused : session_.refused()) WAYPOST_ASSERT(settled.insert(refused.recipient).second);
    for (const auto& delivered : session_.delivered()) WAYPOST_ASSERT(settled.insert(delivered.recipient).second);
    WAYPOST_ASSERT(session_.delivered().empty() || is_lmtp_);
    WAYPOST_ASSERT(settled.size() == all_.size() || session_.failure() || !session_.final_reply().empty());
    WAYPOST_ASSERT(!session_.failure() || session_.final_reply().empty());
    over_ = !session_.usable() || ++transactions_ == kMaxTransactions;
    return over_ ? Action::closed : session_.begin({&envelope_, all_, {.size_bytes = 100}});
  }

  static constexpr int kMaxTransactions = 20;
  const bool required_, is_lmtp_;
  ClientSession session_;
  ReplyParser parser_;
  waypost::mail::Envelope envelope_;
  std::vector<std::uint32_t> all_;
  int transactions_ = 0;
  bool encrypted_ = false, over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Run run(data[0], data[1] % 8);
  run.feed(std::string_view(reinterpret_cast<const char*>(data) + 2, size - 2));
  return 0;
}
