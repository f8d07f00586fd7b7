// Our client against our server, in memory: what one half says, the other understands.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/text.h"
#include "smtp/client_session.h"
#include "smtp/data_decoder.h"
#include "smtp/dot_encoder.h"
#include "smtp/server_session.h"

namespace waypost::smtp {
namespace {

class Quiet final : public SilentObserver {
 public:
  void improper_pipelining(std::string_view, std::string_view) override { ++out_of_step; }
  int out_of_step = 0;
};

// A server that takes everything but recipients that begin with "no"; its end of the wire.
class Server {
 public:
  explicit Server(ServerSettings settings)
      : settings_(std::move(settings)), session_(settings_, quiet, {"c.example", "192.0.2.1"}) {
    session_.set_sasl_mechanisms("PLAIN");
    session_.greet(nullptr, {});
  }

  std::string take_output() { return std::exchange(session_.output(), {}); }

  void receive(std::string_view in) {
    while (!in.empty()) {
      if (session_.receiving_content()) {
        const auto step = decoder_.next(in);
        content += step.piece;
        in.remove_prefix(step.consumed);
        if (step.done) perform(session_.on_content_end(decoder_.saw_bare_newline(), nullptr));
        continue;
      }
      if (const auto line = reader_.next(in, session_.line_limit())) perform(session_.on_line(*line, in));
    }
  }

  Quiet quiet;
  std::string content;
  std::vector<mail::Envelope> envelopes;
  bool secured = false;

 private:
  void perform(Action action) {
    while (action != Action::next_line && action != Action::close && action != Action::receive_content) {
      action = answer(action);
    }
    if (action != Action::receive_content) return;
    envelopes.push_back(session_.take_envelope());
    decoder_.reset();
  }

  Action answer(Action action) {
    switch (action) {
      case Action::start_tls:
        secured = true;
        session_.on_tls(true);
        session_.set_sasl_mechanisms("PLAIN");
        return Action::next_line;
      case Action::sasl_start:
      case Action::sasl_step:
        return session_.on_sasl({SaslAnswer::Kind::success, {}, "user"});
      case Action::commit:
        return session_.on_queued(QueueId(1, 0xABC));
      default:
        break;
    }
    const Reply no{550, "5.1.1", "no such user"};
    const bool refuse = action == Action::check_rcpt && session_.candidate().starts_with("no");
    return session_.on_decision(refuse ? &no : nullptr);
  }

  const ServerSettings settings_;
  ServerSession session_;
  LineReader reader_;
  DataDecoder decoder_;
};

// Runs the client until it is ready, done or ended, executing what it asks for.
class Pair {
 public:
  using C = ClientSession::Action;

  Pair(const ServerSettings& server_settings, ClientSessionSettings client_settings)
      : server(server_settings), client(std::move(client_settings)) {}

  C run(C action) {
    while (true) {
      switch (action) {
        case C::write: {
          const std::string flight(client.output());
          client.output_sent();
          server.receive(flight);
          action = C::read;
          break;
        }
        case C::read:
          action = read();
          break;
        case C::start_tls:
          action = client.on_tls();
          break;
        case C::authenticate:
          action = client.auth_begin("PLAIN", std::string_view("\0user\0secret", 12));
          break;
        case C::send_content:
          server.receive(encoded(content));
          action = client.on_content_sent();
          break;
        default:
          return action;
      }
    }
  }

  Server server;
  ClientSession client;
  std::string content;

 private:
  C read() {
    while (true) {
      std::string_view in = wire_;
      const bool whole = parser_.next(in);
      wire_.erase(0, wire_.size() - in.size());
      if (whole) return client.on_reply(parser_.reply());
      wire_ += server.take_output();
      if (wire_.empty()) return client.on_lost_connection();
    }
  }

  static std::string encoded(std::string_view content) {
    DotEncoder encoder;
    std::string wire;
    encoder.encode(content, wire);
    encoder.finish(wire);
    return wire;
  }

  ReplyParser parser_;
  std::string wire_;
};

ServerSettings server_settings() {
  ServerSettings settings;
  settings.hostname = "mx.example";
  settings.banner = "mx.example ESMTP";
  return settings;
}

ClientSessionSettings client_settings() {
  ClientSessionSettings settings;
  settings.helo_name = "c.example";
  settings.peer = "mx.example[192.0.2.9]";
  settings.peer_port = "mx.example[192.0.2.9]:25";
  return settings;
}

TEST(BothHalves, TheServerGetsTheEnvelopeAndContentThatTheClientSends) {
  Pair pair(server_settings(), client_settings());
  ASSERT_EQ(pair.run(pair.client.start()), Pair::C::ready);
  mail::Envelope envelope;
  envelope.sender = "odd one@a.example";
  envelope.recipients = {
      {"x@b.example", {}, "rfc822;x@b.example", mail::Notify::kSuccess}, {"no@b.example"}, {"y@b.example"}};
  envelope.dsn_envid = "id+2B";
  envelope.dsn_return = mail::DsnReturn::headers;
  const std::vector<std::uint32_t> all = {0, 1, 2};
  pair.content = "Subject: x\r\n\r\n.\r\n..\r\nMAIL FROM:<evil@x>\r\n";
  for (int round = 1; round <= 2; ++round) {
    ASSERT_EQ(pair.run(pair.client.begin({&envelope, all, {.size_bytes = pair.content.size()}})), Pair::C::done);
    EXPECT_FALSE(pair.client.failure());
    EXPECT_EQ(pair.client.final_reply(), "250 2.0.0 Ok: queued as 00001ABC");
    ASSERT_EQ(pair.client.refused().size(), 1U);
    EXPECT_EQ(pair.client.refused()[0].recipient, 1U);
  }
  EXPECT_EQ(pair.server.content, pair.content + pair.content);
  ASSERT_EQ(pair.server.envelopes.size(), 2U);
  const mail::Envelope& got = pair.server.envelopes[1];
  EXPECT_EQ(got.sender, envelope.sender);
  ASSERT_EQ(got.recipients.size(), 2U);
  EXPECT_EQ(got.recipients[0].dsn_orcpt, "rfc822;x@b.example");
  EXPECT_EQ(got.recipients[0].notify, mail::Notify::kSuccess);
  EXPECT_EQ(got.recipients[1].address, "y@b.example");
  EXPECT_EQ(got.dsn_envid, envelope.dsn_envid);
  EXPECT_EQ(got.dsn_return, mail::DsnReturn::headers);
  EXPECT_EQ(pair.server.quiet.out_of_step, 0);
  EXPECT_EQ(pair.run(pair.client.quit()), Pair::C::closed);
}

TEST(BothHalves, TlsAndAuthenticationBeforeMail) {
  ServerSettings server = server_settings();
  server.tls = ServerTls::encrypt;
  server.auth_enable = true;
  server.tls_auth_only = true;
  ClientSessionSettings client = client_settings();
  client.tls = ClientSessionSettings::Tls::required;
  client.use_auth = true;
  Pair pair(server, client);
  ASSERT_EQ(pair.run(pair.client.start()), Pair::C::ready);
  EXPECT_TRUE(pair.server.secured);
  EXPECT_TRUE(pair.client.authenticated());
  mail::Envelope envelope;
  envelope.recipients = {{"x@b.example"}};
  const std::vector<std::uint32_t> all = {0};
  ASSERT_EQ(pair.run(pair.client.begin({&envelope, all, {}})), Pair::C::done);
  EXPECT_FALSE(pair.client.failure());
  ASSERT_EQ(pair.server.envelopes.size(), 1U);
  EXPECT_EQ(pair.server.envelopes[0].protocol, "ESMTPSA");
  EXPECT_EQ(pair.server.quiet.out_of_step, 0);
}

TEST(BothHalves, AllRecipientsRefusedInAPipelinedFlight) {
  Pair pair(server_settings(), client_settings());
  ASSERT_EQ(pair.run(pair.client.start()), Pair::C::ready);
  mail::Envelope envelope;
  envelope.sender = "a@b.example";
  envelope.recipients = {{"no1@b.example"}, {"no2@b.example"}};
  const std::vector<std::uint32_t> all = {0, 1};
  ASSERT_EQ(pair.run(pair.client.begin({&envelope, all, {}})), Pair::C::done);
  EXPECT_EQ(pair.client.refused().size(), 2U);
  EXPECT_TRUE(pair.server.envelopes.empty());
  EXPECT_TRUE(pair.client.usable());
}

}  // namespace
}  // namespace waypost::smtp
