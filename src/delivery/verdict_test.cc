#include "delivery/verdict.h"

#include <gtest/gtest.h>

namespace waypost::delivery {
namespace {

struct Case {
  std::string_view name;
  Failure failure;
  FailureSettings settings;
  Status status;
  std::string_view dsn, word;
  bool try_next_host, site_failure;
};

constexpr FailureSettings kDefaults{};
constexpr FailureSettings kSoftBounce{.soft_bounce = true};

Failure replied(Stage stage, int code, std::string_view dsn = {}, bool last = true) {
  return {.stage = stage, .cause = Cause::reply, .reply = {code, dsn}, .last_host = last};
}
Failure own(Stage stage, Cause cause, std::string_view dsn = {}, bool last = true) {
  return {.stage = stage, .cause = cause, .dsn = dsn, .last_host = last};
}

const Case kCases[] = {
    // Before there is a session: the site is in trouble.
    {"refused connection, more hosts", own(Stage::connect, Cause::temporary, {}, false), kDefaults, Status::deferred,
     "4.4.1", "deferred", true, false},
    {"refused connection, last host", own(Stage::connect, Cause::temporary), kDefaults, Status::deferred, "4.4.1",
     "deferred", false, true},
    {"host not found", own(Stage::dns, Cause::permanent), kDefaults, Status::bounced, "5.4.4", "bounced", false, false},
    {"name server failure", own(Stage::dns, Cause::temporary), kDefaults, Status::deferred, "4.4.3", "deferred", false,
     true},
    {"null MX", own(Stage::routing, Cause::permanent, "5.1.0"), kDefaults, Status::bounced, "5.1.0", "bounced", false,
     false},
    {"4xx greeting", replied(Stage::greeting, 450), kDefaults, Status::deferred, "4.0.0", "deferred", false, true},
    {"5xx greeting is softened", replied(Stage::greeting, 554, "5.7.1"), kDefaults, Status::deferred, "4.7.1",
     "deferred", false, true},
    {"5xx greeting goes to the next host", replied(Stage::greeting, 554, "5.7.1", false), kDefaults, Status::deferred,
     "4.7.1", "deferred", true, false},
    {"5xx greeting as it is",
     replied(Stage::greeting, 554, "5.7.1", false),
     {.skip_5xx_greeting = false},
     Status::bounced,
     "5.7.1",
     "bounced",
     false,
     false},
    {"5xx HELO bounces", replied(Stage::ehlo, 550), kDefaults, Status::bounced, "5.0.0", "bounced", false, false},
    {"STARTTLS not offered", own(Stage::starttls, Cause::temporary), kDefaults, Status::deferred, "4.7.4", "deferred",
     false, true},
    {"handshake failed", own(Stage::starttls, Cause::temporary, "4.7.5"), kDefaults, Status::deferred, "4.7.5",
     "deferred", false, true},
    {"STARTTLS refused for good", replied(Stage::starttls, 554), kDefaults, Status::bounced, "5.0.0", "bounced", false,
     false},
    {"wrong certificate", own(Stage::tls_verify, Cause::temporary), kDefaults, Status::deferred, "4.7.5", "deferred",
     false, true},
    {"wrong password defers", replied(Stage::auth, 535, "5.7.8"), kDefaults, Status::deferred, "4.7.8", "deferred",
     false, true},
    {"wrong password bounces when told so",
     replied(Stage::auth, 535, "5.7.8"),
     {.sasl_auth_soft_bounce = false},
     Status::bounced,
     "5.7.8",
     "bounced",
     false,
     false},
    // About the message or the recipient.
    {"MAIL 4xx, more hosts", replied(Stage::mail, 451, "4.3.0", false), kDefaults, Status::deferred, "4.3.0",
     "deferred", true, false},
    {"MAIL 5xx, more hosts", replied(Stage::mail, 550, "5.7.1", false), kDefaults, Status::bounced, "5.7.1", "bounced",
     false, false},
    {"RCPT 4xx, last host", replied(Stage::rcpt, 450, "4.2.1"), kDefaults, Status::deferred, "4.2.1", "deferred", false,
     false},
    {"RCPT 5xx", replied(Stage::rcpt, 550, "5.1.1"), kDefaults, Status::bounced, "5.1.1", "bounced", false, false},
    {"RCPT 552 is permanent", replied(Stage::rcpt, 552), kDefaults, Status::bounced, "5.0.0", "bounced", false, false},
    {"the reply code's class wins", replied(Stage::rcpt, 450, "5.1.1"), kDefaults, Status::deferred, "4.1.1",
     "deferred", false, false},
    {"final dot 5xx", replied(Stage::end_of_data, 554, "5.6.0"), kDefaults, Status::bounced, "5.6.0", "bounced", false,
     false},
    {"too large for the server", own(Stage::size, Cause::permanent), kDefaults, Status::bounced, "5.3.4", "bounced",
     false, false},
    {"server cannot take UTF-8 addresses", own(Stage::capability, Cause::permanent), kDefaults, Status::bounced,
     "5.6.7", "bounced", false, false},
    {"no sense in the reply", replied(Stage::rcpt, 354), kDefaults, Status::bounced, "5.5.0", "bounced", false, false},
    // Broken connections.
    {"lost while sending RCPT TO, last host", own(Stage::rcpt, Cause::lost_connection), kDefaults, Status::deferred,
     "4.4.2", "deferred", false, true},
    {"lost after the final dot, more hosts", own(Stage::end_of_data, Cause::lost_connection, {}, false), kDefaults,
     Status::deferred, "4.4.2", "deferred", true, false},
    {"silence", own(Stage::greeting, Cause::timed_out), kDefaults, Status::deferred, "4.4.2", "deferred", false, true},
    // Our own fault.
    {"spool unreadable", own(Stage::content, Cause::temporary, {}, false), kDefaults, Status::deferred, "4.3.0",
     "deferred", false, false},
    // soft_bounce.
    {"soft_bounce keeps 5xx", replied(Stage::rcpt, 550, "5.1.1"), kSoftBounce, Status::deferred, "4.1.1", "SOFTBOUNCE",
     false, false},
    {"soft_bounce tries the next host", replied(Stage::rcpt, 550, "5.1.1", false), kSoftBounce, Status::deferred,
     "4.1.1", "SOFTBOUNCE", true, false},
};

TEST(Verdict, FollowsTheTable) {
  for (const Case& c : kCases) {
    const Verdict verdict = judge(c.failure, c.settings);
    EXPECT_EQ(verdict.status, c.status) << c.name;
    EXPECT_EQ(verdict.dsn, c.dsn) << c.name;
    EXPECT_EQ(verdict.word, c.word) << c.name;
    EXPECT_EQ(verdict.try_next_host, c.try_next_host) << c.name;
    EXPECT_EQ(verdict.site_failure, c.site_failure) << c.name;
  }
}

TEST(Verdict, RelayhostTroubleNeverCostsMail) {
  for (const Stage stage : {Stage::dns, Stage::routing}) {
    const Verdict verdict = judge({.stage = stage, .cause = Cause::permanent, .is_relayhost = true}, kDefaults);
    EXPECT_EQ(verdict.status, Status::deferred);
    EXPECT_EQ(verdict.dsn, "4.3.5");
    EXPECT_TRUE(verdict.relayhost_problem);
    EXPECT_TRUE(verdict.site_failure);
  }
  EXPECT_EQ(
      judge({.stage = Stage::rcpt, .cause = Cause::reply, .reply = {550, "5.1.1"}, .is_relayhost = true}, kDefaults)
          .status,
      Status::bounced);
}

TEST(Verdict, ASiteThatTookASessionIsAlive) {
  Failure failure = own(Stage::connect, Cause::temporary);
  failure.session_done = true;
  EXPECT_FALSE(judge(failure, kDefaults).site_failure);
}

TEST(Verdict, ServerThatClosesIsNotReused) {
  EXPECT_TRUE(judge(replied(Stage::rcpt, 421, "4.3.2"), kDefaults).close_session);
  EXPECT_TRUE(judge(replied(Stage::rcpt, 250), kDefaults).close_session);
  EXPECT_TRUE(judge(own(Stage::data, Cause::timed_out), kDefaults).close_session);
  EXPECT_TRUE(judge(own(Stage::content, Cause::temporary), kDefaults).close_session);
  EXPECT_FALSE(judge(replied(Stage::rcpt, 550), kDefaults).close_session);
  EXPECT_FALSE(judge(own(Stage::size, Cause::permanent), kDefaults).close_session);
}

}  // namespace
}  // namespace waypost::delivery
