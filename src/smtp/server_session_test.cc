#include "smtp/server_session.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <vector>

#include "base/text.h"

namespace waypost::smtp {
namespace {

// A driver without a socket: policy, authentication and intake are what the test says.
class Dialogue : public ServerObserver {
 public:
  explicit Dialogue(ServerSettings with = {})
      : settings(std::move(with)), session(settings, *this, {"c.example", "192.0.2.1"}) {
    settings.hostname = "mx.example";
    settings.banner = "mx.example ESMTP";
    session.set_sasl_mechanisms("PLAIN LOGIN");
    last = session.greet(nullptr, {});
    banner = std::exchange(session.output(), {});
  }

  // Sends all of `wire` at once; the replies.
  std::string say(std::string_view wire) {
    in = wire;
    while (!in.empty() && last != Action::close) {
      if (session.receiving_content()) {
        receive();
        continue;
      }
      const auto line = reader.next(in, session.line_limit());
      if (!line) break;
      perform(session.on_line(*line, in));
    }
    return std::exchange(session.output(), {});
  }

  void illegal_address(std::string_view, std::string_view path) override {
    seen.push_back("address " + std::string(path));
  }
  void non_smtp_command(std::string_view line) override { seen.push_back("non-smtp " + std::string(line)); }
  void improper_pipelining(std::string_view after, std::string_view) override {
    seen.push_back("pipelining " + std::string(after));
  }
  void line_too_long(std::string_view, std::size_t) override { seen.emplace_back("long"); }
  void bare_newline_refused() override { seen.emplace_back("bare"); }
  void auth_aborted(std::string_view mechanism) override { seen.push_back("aborted " + std::string(mechanism)); }
  void etrn_refused(std::string_view domain) override { seen.push_back("etrn " + std::string(domain)); }

  ServerSettings settings;
  ServerSession session;
  LineReader reader;
  std::string_view in;
  Action last = Action::next_line;
  std::string banner;
  std::string content;
  std::vector<std::string> seen;
  std::vector<Action> asked;
  std::vector<mail::Envelope> messages;
  std::map<Action, Reply> refusals;             // what policy says at that stage
  std::map<std::string, Reply> bad_recipients;  // by address
  std::vector<SaslAnswer> sasl_answers;         // in order
  bool tls_works = true;

 private:
  void receive() {
    DataDecoder decoder(session.bare_newline_policy());
    for (bool done = false; !done && !in.empty();) {
      const auto step = decoder.next(in);
      content += step.piece;
      in.remove_prefix(step.consumed);
      done = step.done;
      if (done) perform(session.on_content_end(decoder.saw_bare_newline(), nullptr));
    }
  }

  void perform(Action action) {
    for (; action != Action::next_line; action = step(action)) {
      last = action;
      if (action == Action::close) return;
      if (action == Action::receive_content) {
        messages.push_back(session.take_envelope());
        return;
      }
    }
    last = action;
  }

  Action step(Action action) {
    asked.push_back(action);
    switch (action) {
      case Action::start_tls:
        in = {};
        session.on_tls(tls_works);
        session.set_sasl_mechanisms("PLAIN");
        return Action::next_line;
      case Action::sasl_start:
      case Action::sasl_step: {
        const SaslAnswer answer = sasl_answers.front();
        sasl_answers.erase(sasl_answers.begin());
        return session.on_sasl(answer);
      }
      case Action::commit:
        return session.on_queued(QueueId(0xABCDE, 0x12));
      default:
        break;
    }
    if (action == Action::check_rcpt && bad_recipients.contains(session.candidate())) {
      return session.on_decision(&bad_recipients[session.candidate()]);
    }
    const auto refusal = refusals.find(action);
    return session.on_decision(refusal == refusals.end() ? nullptr : &refusal->second);
  }
};

ServerSettings with(const std::function<void(ServerSettings&)>& change) {
  ServerSettings settings;
  change(settings);
  return settings;
}

TEST(ServerSession, TakesAMessageInOneFlight) {
  Dialogue d;
  EXPECT_EQ(d.banner, "220 mx.example ESMTP\r\n");
  EXPECT_EQ(d.say("EHLO client.example\r\n"),
            "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-VRFY\r\n250-ETRN\r\n"
            "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 DSN\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME RET=HDRS ENVID=x+2By\r\n"
                  "RCPT TO:<r1@d.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;r+2B@d.example\r\nRCPT "
                  "TO:<r2@d.example>\r\nDATA\r\n"),
            "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
  EXPECT_EQ(d.say("Subject: x\r\n\r\n..\r\n.\r\nQUIT\r\n"), "250 2.0.0 Ok: queued as ABCDE12\r\n221 2.0.0 Bye\r\n");
  EXPECT_EQ(d.content, "Subject: x\r\n\r\n.\r\n");
  EXPECT_EQ(d.session.close_reason(), CloseReason::quit);
  ASSERT_EQ(d.messages.size(), 1U);
  const mail::Envelope& e = d.messages[0];
  EXPECT_EQ(e.sender, "a@b.example");
  EXPECT_EQ(e.dsn_envid, "x+2By");
  EXPECT_EQ(e.dsn_return, mail::DsnReturn::headers);
  EXPECT_EQ(e.encoding, mail::BodyEncoding::eight_bit_mime);
  EXPECT_EQ(e.helo, "client.example");
  EXPECT_EQ(e.protocol, "ESMTP");
  ASSERT_EQ(e.recipients.size(), 2U);
  EXPECT_EQ(e.recipients[0].dsn_orcpt, "rfc822;r+2B@d.example");
  EXPECT_EQ(e.recipients[0].notify, mail::Notify::kSuccess | mail::Notify::kDelay);
  EXPECT_EQ(e.recipients[1].notify, mail::Notify::kNoneGiven);
  EXPECT_EQ(d.session.counters().text(), "ehlo=1 mail=1 rcpt=2 data=1 quit=1 commands=6");
}

TEST(ServerSession, AnswersEachCommandAsPostfixDoes) {
  const struct {
    std::string_view line, reply;
  } cases[] = {
      {"HELO", "501 Syntax: HELO hostname"},
      {"EHLO", "501 Syntax: EHLO hostname"},
      {"HELO x", "250 mx.example"},
      {"RSET", "250 2.0.0 Ok"},
      {"RSET x", "501 5.5.4 Syntax: RSET"},
      {"NOOP x", "250 2.0.0 Ok"},
      {"VRFY a@b", "252 2.0.0 a@b"},
      {"VRFY", "501 5.5.4 Syntax: VRFY address"},
      {"VRFY a@b,c@d", "501 5.1.3 Bad recipient address syntax"},
      {"ETRN example.com", "459 <example.com>: service unavailable"},
      {"ETRN", "500 Syntax: ETRN domain"},
      {"ETRN a_b!", "501 Error: invalid parameter syntax"},
      {"FOO", "500 5.5.2 Error: command not recognized"},
      {"", "500 5.5.2 Error: bad syntax"},
      {"BDAT 1 LAST", "502 5.5.1 Error: command not implemented"},
      {"STARTTLS", "502 5.5.1 Error: command not implemented"},
      {"STARTTLS x", "501 5.5.4 Syntax: STARTTLS"},
      {"AUTH PLAIN", "503 5.5.1 Error: authentication not enabled"},
      {"XCLIENT NAME=x", "550 5.7.0 Error: insufficient authorization"},
      {"RCPT TO:<a@b>", "503 5.5.1 Error: need MAIL command"},
      {"DATA", "503 5.5.1 Error: need RCPT command"},
      {"MAIL", "501 5.5.4 Syntax: MAIL FROM:<address>"},
      {"MAIL FROM:", "501 5.5.4 Syntax: MAIL FROM:<address>"},
      {"MAIL TO:<a@b>", "501 5.5.4 Syntax: MAIL FROM:<address>"},
      {"MAIL FROM:<a@b", "501 5.1.7 Bad sender address syntax"},
      {"MAIL FROM:<a@b> SIZE=x", "501 5.5.4 Bad message size syntax"},
      {"MAIL FROM:<a@b> SIZE=", "501 5.5.4 Bad message size syntax"},
      {"MAIL FROM:<a@b> SIZE=99999999999999999999", "552 5.3.4 Message size exceeds file system imposed limit"},
      {"MAIL FROM:<a@b> SIZE=10240001", "552 5.3.4 Message size exceeds fixed limit"},
      {"MAIL FROM:<a@b> FOO=1", "555 5.5.4 Unsupported option: FOO=1"},
      {"MAIL FROM:<a@b> SMTPUTF8", "555 5.5.4 Unsupported option: SMTPUTF8"},
      {"MAIL FROM:<a@b> BODY=BINARYMIME", "555 5.5.4 Unsupported option: BODY=BINARYMIME"},
      {"MAIL FROM:<a@b> RET=X", "501 5.5.4 Bad RET parameter syntax"},
      {"MAIL FROM:<a@b> ENVID=+", "501 5.5.4 Bad ENVID parameter syntax"},
      {"MAIL FROM:<a@b> AUTH=x AUTH=y", "503 5.5.4 Error: multiple AUTH= options"},
      {"MAIL FROM:<a@b> SIZE=10240000", "250 2.1.0 Ok"},
  };
  for (const auto& c : cases) {
    Dialogue d;
    EXPECT_EQ(d.say(std::string(c.line) + "\r\n"), std::string(c.reply) + "\r\n") << c.line;
  }
}

TEST(ServerSession, ReadsAddressesLeniently) {
  for (const char* line : {"MAIL FROM:<>", "mail from: <a@b>", "MAIL FROM: a@b", "MAIL FROM:<\"a b\"@c>",
                           "MAIL FROM:Joe <a@b>", "MAIL FROM:<@x,@y:a@b>", "MAIL FROM:<a@b> BODY=7BIT"}) {
    Dialogue d;
    const bool words_apart = std::string_view(line) == "MAIL FROM:Joe <a@b>";
    EXPECT_EQ(d.say(std::string(line) + "\r\n"),
              words_apart ? "555 5.5.4 Unsupported option: <a@b>\r\n" : "250 2.1.0 Ok\r\n")
        << line;
  }
  Dialogue strict(with([](ServerSettings& s) { s.strict_envelopes = true; }));
  EXPECT_EQ(strict.say("MAIL FROM:a@b\r\n"), "501 5.1.7 Bad sender address syntax\r\n");
  EXPECT_EQ(strict.seen, std::vector<std::string>{"address a@b"});
}

TEST(ServerSession, RefusesCommandsInTheWrongOrder) {
  Dialogue d;
  EXPECT_EQ(d.say("MAIL FROM:<a@b>\r\n"), "250 2.1.0 Ok\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<a@b>\r\n"), "503 5.5.1 Error: nested MAIL command\r\n");
  EXPECT_EQ(d.say("DATA\r\n"), "554 5.5.1 Error: no valid recipients\r\n");
  EXPECT_EQ(d.say("RCPT TO:<>\r\n"), "501 5.1.3 Bad recipient address syntax\r\n");
  EXPECT_EQ(d.say("RCPT FROM:<a@b>\r\n"), "501 5.5.4 Syntax: RCPT TO:<address>\r\n");
  EXPECT_EQ(d.say("RCPT TO:<a@b> X=1\r\n"), "555 5.5.4 Unsupported option: X=1\r\n");
  EXPECT_EQ(d.say("RCPT TO:<a@b> NOTIFY=NEVER,DELAY\r\n"), "501 5.5.4 Error: Bad NOTIFY parameter syntax\r\n");
  EXPECT_EQ(d.say("RCPT TO:<a@b> ORCPT=x\r\n"), "501 5.5.4 Error: Bad ORCPT parameter syntax\r\n");
  EXPECT_EQ(d.say("ETRN x.example\r\n"), "503 Error: MAIL transaction in progress\r\n");
  EXPECT_EQ(d.say("RCPT TO:<a@b>\r\n"), "250 2.1.5 Ok\r\n");
  EXPECT_EQ(d.say("DATA x\r\n"), "501 5.5.4 Syntax: DATA\r\n");
  EXPECT_TRUE(d.say("EHLO again\r\n").starts_with("250-mx.example"));
  EXPECT_EQ(d.say("RCPT TO:<a@b>\r\n"), "503 5.5.1 Error: need MAIL command\r\n");
}

TEST(ServerSession, HeloCanBeRequired) {
  Dialogue d(with([](ServerSettings& s) { s.helo_required = true; }));
  EXPECT_EQ(d.say("MAIL FROM:<a@b>\r\n"), "503 5.5.1 Error: send HELO/EHLO first\r\n");
  d.say("HELO x\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<a@b>\r\n"), "250 2.1.0 Ok\r\n");
}

TEST(ServerSession, PolicyRefusesARecipientAndTheOthersStay) {
  Dialogue d;
  d.bad_recipients["bad@d.example"] = {554, "5.7.1", "<bad@d.example>: Relay access denied"};
  d.say("EHLO x\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<>\r\nRCPT TO:<bad@d.example>\r\nRCPT TO:<ok@d.example>\r\nDATA\r\n"),
            "250 2.1.0 Ok\r\n554 5.7.1 <bad@d.example>: Relay access denied\r\n250 2.1.5 Ok\r\n"
            "354 End data with <CR><LF>.<CR><LF>\r\n");
  d.say(".\r\n");
  ASSERT_EQ(d.messages[0].recipients.size(), 1U);
  EXPECT_EQ(d.messages[0].recipients[0].address, "ok@d.example");
  EXPECT_EQ(d.session.counters().text(), "ehlo=1 mail=1 rcpt=1/2 data=1 commands=4/5");
}

TEST(ServerSession, PolicyMayEndTheSession) {
  Dialogue d;
  d.refusals[Action::check_rcpt] = {421, "4.7.1", "go away"};
  d.say("HELO x\r\n");
  d.say("MAIL FROM:<a@b>\r\n");
  EXPECT_EQ(d.say("RCPT TO:<a@b>\r\n"), "421 4.7.1 go away\r\n");
  EXPECT_EQ(d.last, Action::close);
}

TEST(ServerSession, ARefusedClientMayOnlyLeave) {
  Dialogue d;
  const Reply denied{554, "5.7.1", "Client host rejected: Access denied"};
  ServerSession session(d.settings, d, {"unknown", "192.0.2.9"});
  EXPECT_EQ(session.greet(&denied, {}), Action::next_line);
  session.on_line({"EHLO x"}, {});
  session.on_line({"QUIT"}, {});
  EXPECT_EQ(session.output(),
            "554 5.7.1 Client host rejected: Access denied\r\n"
            "503 5.7.0 Error: access denied for unknown[192.0.2.9]\r\n221 2.0.0 Bye\r\n");
}

TEST(ServerSession, RefusalAtTheEndOfDataDropsTheMessageOnly) {
  Dialogue d;
  d.refusals[Action::check_end_of_data] = {550, "5.7.1", "no"};
  d.say("EHLO x\r\n");
  d.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  EXPECT_EQ(d.say("x\r\n.\r\nMAIL FROM:<a@b>\r\n"), "550 5.7.1 no\r\n250 2.1.0 Ok\r\n");
  EXPECT_EQ(d.session.counters().text(), "ehlo=1 mail=2 rcpt=1 data=0/1 commands=4/5");
}

TEST(ServerSession, PipeliningBeforeItIsAllowedEndsTheSession) {
  for (const char* wire :
       {"HELO x\r\nMAIL FROM:<a@b>\r\n", "EHLO x\r\nMAIL FROM:<a@b>\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"}) {
    Dialogue d;
    EXPECT_EQ(d.say(wire), "554 5.5.0 Error: SMTP protocol synchronization\r\n") << wire;
    EXPECT_EQ(d.last, Action::close);
  }
  Dialogue data;
  data.say("EHLO x\r\n");
  EXPECT_TRUE(data.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n")
                  .ends_with("554 5.5.0 Error: SMTP protocol synchronization\r\n"));
  EXPECT_EQ(data.seen, std::vector<std::string>{"pipelining DATA"});
  Dialogue early;
  EXPECT_EQ(early.session.greet(nullptr, "EHLO x\r\n"), Action::close);
  EXPECT_EQ(early.session.output(), "554 5.5.0 Error: SMTP protocol synchronization\r\n");
}

TEST(ServerSession, PipeliningMayBeToleratedAndIsNotedOnce) {
  Dialogue d(with([](ServerSettings& s) { s.forbid_unauth_pipelining = false; }));
  EXPECT_EQ(d.say("HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nNOOP\r\n"),
            "250 mx.example\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.0.0 Ok\r\n");
  EXPECT_EQ(d.seen, std::vector<std::string>{"pipelining HELO"});
}

TEST(ServerSession, NonSmtpCommandsEndTheSession) {
  for (const char* line : {"GET / HTTP/1.1", "connect x", "\x16\x03\x01", "Subject: x", "[foo"}) {
    Dialogue d(with([](ServerSettings& s) {
      s.forbidden_commands = [](std::string_view word) {
        return word == "GET" || word == "connect" || !is_alpha(word.front());
      };
    }));
    EXPECT_EQ(d.say(std::string(line) + "\r\n"), "221 2.7.0 Error: I can break rules, too. Goodbye.\r\n") << line;
    EXPECT_EQ(d.last, Action::close);
  }
}

TEST(ServerSession, CommandLineLimits) {
  Dialogue d;
  const std::string fits = "NOOP " + std::string(2047 - 5, 'x');
  EXPECT_EQ(d.say(fits + "\r\n"), "250 2.0.0 Ok\r\n");
  EXPECT_EQ(d.say(fits + "x\r\n"), "500 5.5.2 mx.example Error: command too long\r\n");
  EXPECT_EQ(d.say("NOOP\r\n"), "250 2.0.0 Ok\r\n");
  EXPECT_EQ(d.say(std::string(5000, 'x')), "500 5.5.2 mx.example Error: command too long\r\n");
  EXPECT_EQ(d.last, Action::close);
}

TEST(ServerSession, BareNewlineModes) {
  Dialogue reject(with([](ServerSettings& s) { s.bare_newline = BareNewline::reject; }));
  EXPECT_EQ(reject.say("EHLO x\n"), "550 5.5.2 mx.example Error: bare <LF> received\r\n");
  EXPECT_EQ(reject.last, Action::close);
  Dialogue content(with([](ServerSettings& s) { s.bare_newline = BareNewline::reject; }));
  content.say("EHLO x\r\n");
  content.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  EXPECT_EQ(content.say("a\nb\r\n.\r\nNOOP\r\n"), "550 5.5.2 mx.example Error: bare <LF> received\r\n250 2.0.0 Ok\r\n");
  Dialogue note(with([](ServerSettings& s) { s.bare_newline = BareNewline::note; }));
  EXPECT_EQ(note.say("NOOP\n"), "250 2.0.0 Ok\r\n");
  EXPECT_TRUE(note.session.noted_bare_newline());
  Dialogue excluded(with([](ServerSettings& s) { s.bare_newline = BareNewline::reject; }));
  excluded.session.set_bare_newline(BareNewline::no);
  EXPECT_EQ(excluded.say("HELO x\n"), "250 mx.example\r\n");
  Dialogue normal;
  EXPECT_EQ(normal.say("NOOP\n"), "250 2.0.0 Ok\r\n");
  EXPECT_FALSE(normal.session.noted_bare_newline());
}

TEST(ServerSession, ErrorsAreDelayedAndThenEndTheSession) {
  Dialogue d;
  for (int i = 0; i < 10; ++i) d.say("FOO\r\n");
  EXPECT_EQ(d.session.take_delay().count(), 0);
  d.say("FOO\r\n");
  EXPECT_EQ(d.session.take_delay().count(), 1);
  for (int i = 11; i < 19; ++i) EXPECT_EQ(d.say("FOO\r\n"), "500 5.5.2 Error: command not recognized\r\n");
  EXPECT_EQ(d.say("FOO\r\n"),
            "500 5.5.2 Error: command not recognized\r\n421 4.7.0 mx.example Error: too many errors\r\n");
  EXPECT_EQ(d.session.close_reason(), CloseReason::too_many_errors);
}

TEST(ServerSession, AReceivedMessageForgivesErrors) {
  Dialogue d;
  d.say("EHLO x\r\n");
  for (int i = 0; i < 15; ++i) d.say("FOO\r\n");
  d.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
  d.say(".\r\n");
  d.session.take_delay();
  for (int i = 0; i < 10; ++i) d.say("FOO\r\n");
  EXPECT_EQ(d.session.take_delay().count(), 0);
}

TEST(ServerSession, JunkCommandsBecomeErrorsBehindTheirLimit) {
  Dialogue d;
  for (int i = 0; i < 101; ++i) d.say("NOOP\r\n");
  for (int i = 0; i < 19; ++i) EXPECT_EQ(d.say("NOOP\r\n"), "250 2.0.0 Ok\r\n") << i;
  EXPECT_TRUE(d.say("NOOP\r\n").ends_with("421 4.7.0 mx.example Error: too many errors\r\n"));
}

TEST(ServerSession, RecipientLimitAndOvershoot) {
  Dialogue d(with([](ServerSettings& s) { s.recipient_limit = 2, s.recipient_overshoot_limit = 1; }));
  d.say("EHLO x\r\n");
  d.say("MAIL FROM:<a@b>\r\nRCPT TO:<1@d>\r\n");
  EXPECT_EQ(d.say("RCPT TO:<2@d>\r\n"), "250 2.1.5 Ok\r\n");
  EXPECT_EQ(d.say("RCPT TO:<3@d>\r\n"), "452 4.5.3 Error: too many recipients\r\n");
  EXPECT_EQ(d.session.counters().success(Verb::rcpt), 3U);
  EXPECT_EQ(d.say("RCPT TO:<4@d>\r\n"), "452 4.5.3 Error: too many recipients\r\n");
  EXPECT_EQ(d.session.counters().success(Verb::rcpt), 3U);
  d.say("DATA\r\n.\r\n");
}

TEST(ServerSession, TlsRequiredHoldsEverythingBack) {
  Dialogue d(with([](ServerSettings& s) { s.tls = ServerTls::encrypt, s.auth_enable = true; }));
  EXPECT_TRUE(d.say("EHLO x\r\n").find("250-STARTTLS\r\n") != std::string::npos);
  for (const char* line : {"MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA", "RSET", "VRFY a", "ETRN a", "AUTH PLAIN"}) {
    EXPECT_EQ(d.say(std::string(line) + "\r\n"), "530 5.7.0 Must issue a STARTTLS command first\r\n") << line;
  }
  EXPECT_EQ(d.say("NOOP\r\n"), "250 2.0.0 Ok\r\n");
}

TEST(ServerSession, StarttlsForgetsWhatWasSaidBefore) {
  Dialogue d(with([](ServerSettings& s) { s.tls = ServerTls::may, s.auth_enable = true, s.tls_auth_only = true; }));
  EXPECT_TRUE(d.say("EHLO x\r\n").find("AUTH") == std::string::npos);
  EXPECT_EQ(d.say("AUTH PLAIN\r\n"), "504 5.5.4 Encryption required for requested authentication mechanism\r\n");
  d.say("MAIL FROM:<a@b>\r\n");
  EXPECT_EQ(d.say("STARTTLS\r\nMAIL FROM:<injected@b>\r\n"), "220 2.0.0 Ready to start TLS\r\n");
  EXPECT_TRUE(d.session.encrypted());
  EXPECT_FALSE(d.session.has_helo());
  EXPECT_FALSE(d.session.in_transaction());
  const std::string ehlo = d.say("EHLO y\r\n");
  EXPECT_TRUE(ehlo.find("STARTTLS") == std::string::npos);
  EXPECT_TRUE(ehlo.find("250-AUTH PLAIN\r\n") != std::string::npos);
  EXPECT_EQ(d.say("STARTTLS\r\n"), "554 5.5.1 Error: TLS already active\r\n");
  EXPECT_EQ(d.session.counters().success(Verb::starttls), 1U);
}

TEST(ServerSession, StarttlsWithoutACertificate) {
  Dialogue d(with([](ServerSettings& s) { s.tls = ServerTls::may; }));
  d.session.set_tls_available(false);
  EXPECT_EQ(d.say("STARTTLS\r\n"), "454 4.7.0 TLS not available due to local problem\r\n");
}

TEST(ServerSession, Authenticates) {
  Dialogue d(with([](ServerSettings& s) { s.auth_enable = true, s.broken_auth_clients = true; }));
  EXPECT_TRUE(d.say("EHLO x\r\n").find("250-AUTH PLAIN LOGIN\r\n250-AUTH=PLAIN LOGIN\r\n250-ENHANCED") !=
              std::string::npos);
  EXPECT_EQ(d.say("AUTH\r\n"), "501 5.5.4 Syntax: AUTH mechanism\r\n");
  using K = SaslAnswer::Kind;
  d.sasl_answers = {{K::challenge, "VXNlcm5hbWU6", {}}, {K::challenge, "UGFzc3dvcmQ6", {}}, {K::success, {}, "user"}};
  EXPECT_EQ(d.say("AUTH login\r\n"), "334 VXNlcm5hbWU6\r\n");
  EXPECT_FALSE(d.session.has_sasl_response());
  EXPECT_EQ(d.say("dQ==\r\n"), "334 UGFzc3dvcmQ6\r\n");
  EXPECT_EQ(d.session.sasl_response(), "dQ==");
  EXPECT_EQ(d.say("cA==\r\n"), "235 2.7.0 Authentication successful\r\n");
  EXPECT_EQ(d.session.sasl_username(), "user");
  EXPECT_EQ(d.session.sasl_method(), "LOGIN");
  EXPECT_TRUE(d.session.sasl_response().empty());
  EXPECT_EQ(d.say("AUTH LOGIN\r\n"), "503 5.5.1 Error: already authenticated\r\n");
  d.say("MAIL FROM:<a@b> AUTH=c@d\r\nRCPT TO:<a@b>\r\nDATA\r\n");
  EXPECT_EQ(d.session.sasl_sender(), "c@d");
  EXPECT_EQ(d.messages[0].protocol, "ESMTPA");
  EXPECT_EQ(d.messages[0].sasl_username, "user");
}

TEST(ServerSession, AuthenticationFails) {
  using K = SaslAnswer::Kind;
  Dialogue d(with([](ServerSettings& s) { s.auth_enable = true; }));
  d.say("EHLO x\r\n");
  d.sasl_answers = {{K::failure, {}, {}}};
  EXPECT_EQ(d.say("AUTH PLAIN AAAA\r\n"), "535 5.7.8 Error: authentication failed: (reason unavailable)\r\n");
  d.sasl_answers = {{K::temporary, "Connection lost", {}}};
  EXPECT_EQ(d.say("AUTH PLAIN AAAA\r\n"), "454 4.7.0 Temporary authentication failure: Connection lost\r\n");
  d.sasl_answers = {{K::challenge, "", {}}};
  EXPECT_EQ(d.say("AUTH PLAIN\r\n*\r\n"), "334 \r\n501 5.7.0 Authentication aborted\r\n");
  EXPECT_EQ(d.seen, std::vector<std::string>{"aborted PLAIN"});
  d.sasl_answers = {{K::challenge, "", {}}};
  EXPECT_EQ(d.say("AUTH PLAIN\r\n" + std::string(12288, 'A') + "\r\nNOOP\r\n"),
            "334 \r\n500 5.5.6 SASL response limit exceeded\r\n250 2.0.0 Ok\r\n");
  d.say("MAIL FROM:<a@b>\r\n");
  EXPECT_EQ(d.say("AUTH PLAIN\r\n"), "503 5.5.1 Error: MAIL transaction in progress\r\n");
  EXPECT_EQ(d.session.counters().text(), "ehlo=1 auth=0/5 mail=1 noop=1 commands=3/8");
}

TEST(ServerSession, HidesDiscardedKeywords) {
  Dialogue d(with([](ServerSettings& s) {
    s.discard_ehlo_keywords = parse_ehlo_keywords("dsn, ETRN pipelining,silent-discard");
    s.disable_vrfy = true;
    s.message_size_limit = 0;
    s.smtputf8 = true;
  }));
  EXPECT_EQ(d.say("EHLO x\r\n"),
            "250-mx.example\r\n250-SIZE\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
  EXPECT_EQ(d.say("VRFY x\r\n"), "502 5.5.1 VRFY command is disabled\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<a@b> RET=FULL\r\n"), "501 5.7.1 DSN support is disabled\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<\xff@b>\r\n"), "500 5.5.2 Error: bad UTF-8 syntax\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<\xc3\xa9@\xc3\xa9.example> SMTPUTF8\r\n"), "250 2.1.0 Ok\r\n");
}

TEST(ServerSession, SoftBounceSoftensRepliesOfItsOwnAndOfPolicy) {
  Dialogue d(with([](ServerSettings& s) { s.soft_bounce = true; }));
  d.refusals[Action::check_mail] = {554, "5.7.1", "no"};
  EXPECT_EQ(d.say("FOO\r\n"), "400 4.5.2 Error: command not recognized\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<a@b>\r\n"), "454 4.7.1 no\r\n");
}

TEST(ServerSession, RepliesCannotBeForged) {
  Dialogue d;
  const std::string reply = d.say("EHLO a\rb\x01<script>\r\n");
  EXPECT_EQ(d.session.helo_name(), "a?b??script?");
  EXPECT_EQ(d.say("VRFY \"a\rb\"@c\r\n"), "501 5.1.3 Bad recipient address syntax\r\n");
  EXPECT_EQ(d.say("MAIL FROM:<a@b> X\rY\r\n").find('\r'), std::string("555 5.5.4 Unsupported option: X").size());
  EXPECT_EQ(d.say(std::string_view("MAIL\0 FROM:<a@b>\r\n", 18)), "500 5.5.2 Error: bad syntax\r\n");
}

TEST(SessionCounters, SayNothingHappened) { EXPECT_EQ(SessionCounters().text(), "commands=0/0"); }

}  // namespace
}  // namespace waypost::smtp
