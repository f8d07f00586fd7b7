#include "access/policy.h"

#include <gmock/gmock.h>

#include <functional>

#include "access/restrictions.h"
#include "tables/run_immediate.h"

namespace waypost::access {
namespace {

using tables::run_immediate;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PolicyTest : public ::testing::Test {
 protected:
  PolicyTest() {
    domains_.mydestination = "here.example";
    domains_.virtual_alias_domains = "alias.example";
    domains_.relay_domains = "relay.example";
    domains_.own_addresses = {"192.0.2.1"};
    router_.rewrite = {.myorigin = "here.example", .mydomain = "example"};
    router_.myhostname = "mx.here.example";
    router_.local_transport = "local:mx.here.example";
    settings_.mynetworks = "127.0.0.0/8, 10.0.0.0/8";
    settings_.relay_restrictions = "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination";
    subject_.client_name = "unknown";
    subject_.client_address = "198.51.100.7";
    subject_.helo = "client.example";
    subject_.sender = "s@x.example";
    subject_.recipient = "r@other.example";
  }

  std::shared_ptr<const Policy> build() {
    findings_.clear();
    auto domains = std::make_shared<routing::Domains>(domains_, registry_);
    return Policy::build(settings_, registry_, std::make_shared<routing::Router>(router_, domains), findings_);
  }
  // The reply, or "permit".
  std::string rcpt() {
    const auto policy = build();
    Memory memory;
    decision_ = run_immediate(policy->check_rcpt(subject_, memory));
    return decision_.permitted() ? "permit" : decision_.reply();
  }
  std::string rcpt(std::string restrictions) {
    settings_.relay_restrictions = std::move(restrictions);
    return rcpt();
  }
  std::vector<std::string> findings() {
    build();
    std::vector<std::string> texts;
    for (const auto& finding : findings_) {
      texts.push_back((finding.severity == Finding::Severity::error ? "error " : "warning ") + finding.code + ": " +
                      finding.parameter + ": " + finding.text);
    }
    return texts;
  }

  CapturingLog sink_;
  ManualClock clock_;
  tables::TableRegistry registry_{Log(sink_, "test", 1), clock_};
  routing::DomainSettings domains_;
  routing::RouterSettings router_;
  AccessSettings settings_;
  Subject subject_;
  Decision decision_;
  std::vector<Finding> findings_;
};

TEST_F(PolicyTest, StrangersMayNotRelay) { EXPECT_EQ(rcpt(), "554 5.7.1 <r@other.example>: Relay access denied"); }

TEST_F(PolicyTest, OwnNetworksAndAuthenticatedUsersMay) {
  subject_.client_address = "10.1.2.3";
  EXPECT_EQ(rcpt(), "permit");
  subject_.client_address = "198.51.100.7";
  subject_.sasl_method = "PLAIN";
  EXPECT_EQ(rcpt(), "permit");
  subject_.sasl_method = "ANONYMOUS";
  EXPECT_THAT(rcpt(), HasSubstr("Relay access denied"));
}

TEST_F(PolicyTest, AuthorizedDestinationsAreOpenToAll) {
  for (const auto to : {"r@here.example", "r@relay.example", "r@sub.relay.example", "root", "r@[192.0.2.1]"}) {
    subject_.recipient = to;
    EXPECT_EQ(rcpt(), "permit") << to;
  }
}

TEST_F(PolicyTest, RoutesBehindOwnDomainsAreRefused) {
  for (const auto to : {"a%other.example@here.example", "other.example!a@here.example", "a@other.example@here.example",
                        "a%other.example@relay.example", "a b@other.example@here.example",
                        "other.example!a@relay.example", "a@sub.here.example", "a@[192.0.2.2]"}) {
    subject_.recipient = to;
    EXPECT_EQ(rcpt(), "554 5.7.1 <" + std::string(to) + ">: Relay access denied");
  }
}

TEST_F(PolicyTest, ArticleRestrictionsRejectTheRest) {
  EXPECT_EQ(rcpt("permit_mynetworks, reject"),
            "554 5.7.1 <r@other.example>: Recipient address rejected: Access denied");
  subject_.client_address = "10.0.0.1";
  EXPECT_EQ(rcpt(), "permit");
}

TEST_F(PolicyTest, ClassesStandForTheirRestrictions) {
  settings_.classes = {{"insiders", "permit_mynetworks, nobody"}, {"nobody", "reject"}};
  EXPECT_EQ(rcpt("insiders"), "554 5.7.1 <r@other.example>: Recipient address rejected: Access denied");
  subject_.client_address = "10.0.0.1";
  EXPECT_EQ(rcpt("insiders, reject"), "permit");
  EXPECT_THAT(findings(), IsEmpty());  // what protects may stand in a class
}

TEST_F(PolicyTest, WarnIfRejectReachesIntoAClass) {
  settings_.classes = {{"nobody", "reject_plaintext_session, reject"}};
  EXPECT_EQ(rcpt("warn_if_reject nobody, reject_unauth_destination"),
            "554 5.7.1 <r@other.example>: Relay access denied");
  EXPECT_EQ(decision_.would_refuse.size(), 2U);
}

TEST_F(PolicyTest, AClassThatNamesItselfIsNoEndlessLoop) {
  settings_.classes = {{"a", "b"}, {"b", "a"}};
  EXPECT_EQ(rcpt("a, reject"), "451 4.3.5 Server configuration error");
  EXPECT_THAT(decision_.warnings, ElementsAre("smtpd_restriction_classes: \"a\" names itself, or goes too deep"));
  settings_.classes = {{"a", "a a a a a a a a"}};
  EXPECT_EQ(rcpt("a, reject"), "451 4.3.5 Server configuration error");
}

TEST_F(PolicyTest, CertificatesMayRelay) {
  settings_.relay_clientcerts = "inline:{{AA:01 = one}, {BB:02 = two}}";
  settings_.asks_for_certificates = true;
  const auto denied = "554 5.7.1 <r@other.example>: Recipient address rejected: Access denied";
  EXPECT_EQ(rcpt("permit_tls_clientcerts, reject"), denied);
  subject_.encrypted = true;
  subject_.certificate = Certificate{false, "AA:01", "CC:03"};
  EXPECT_EQ(rcpt("permit_tls_clientcerts, reject"), "permit");
  subject_.certificate = Certificate{false, "CC:03", "BB:02"};
  EXPECT_EQ(rcpt("permit_tls_clientcerts, reject"), "permit");
  subject_.certificate = Certificate{true, "CC:03", "CC:03"};
  EXPECT_EQ(rcpt("permit_tls_clientcerts, reject"), denied);
  EXPECT_EQ(rcpt("permit_tls_all_clientcerts, reject"), "permit");
}

TEST_F(PolicyTest, WhoMayLeaveOutHeaders) {
  const auto asked = [this](std::string list) {
    settings_.local_header_rewrite_clients = std::move(list);
    return run_immediate(build()->may_omit_headers(subject_));
  };
  EXPECT_FALSE(asked("permit_inet_interfaces, permit_mynetworks, permit_sasl_authenticated").value());
  EXPECT_TRUE(asked("check_address_map inline:{198.51.100.7=x}").value());
  EXPECT_FALSE(asked("hash:/no/such/table").has_value());
  subject_.sasl_method = "PLAIN";
  EXPECT_TRUE(asked("permit_sasl_authenticated").value());
  subject_.client_address = "192.0.2.1";
  EXPECT_TRUE(asked("permit_inet_interfaces").value());
  asked("reject, permit_mynetworks");
  EXPECT_EQ(findings_.front().text, "parameter local_header_rewrite_clients: invalid request: reject");
}

TEST_F(PolicyTest, RoutesBehindOwnDomainsMayBeAllowed) {
  settings_.allow_untrusted_routing = true;
  subject_.recipient = "a%other.example@relay.example";
  EXPECT_EQ(rcpt(), "permit");
}

TEST_F(PolicyTest, PostmasterIsAlwaysAccepted) {
  subject_.recipient = "PostMaster";
  settings_.client_restrictions = "reject";
  EXPECT_EQ(rcpt("reject"), "permit");
}

struct Replies {
  std::string_view restrictions, reply;
};

class Restrictions : public PolicyTest, public ::testing::WithParamInterface<Replies> {};

TEST_P(Restrictions, ReplyAsPostfixDoes) { EXPECT_EQ(rcpt(std::string(GetParam().restrictions)), GetParam().reply); }

INSTANTIATE_TEST_SUITE_P(
    All, Restrictions,
    ::testing::Values(
        Replies{"", "permit"}, Replies{"permit", "permit"},
        Replies{"reject", "554 5.7.1 <r@other.example>: Recipient address rejected: Access denied"},
        Replies{"defer", "450 4.3.2 <r@other.example>: Recipient address rejected: Try again later"},
        Replies{"defer_unauth_destination", "454 4.7.1 <r@other.example>: Relay access denied"},
        Replies{"REJECT_unauth_destination", "554 5.7.1 <r@other.example>: Relay access denied"},
        Replies{"reject_plaintext_session", "450 4.7.1 Session encryption is required"},
        Replies{"defer_if_permit",
                "450 4.7.0 <r@other.example>: Recipient address rejected: defer_if_permit requested"},
        Replies{"defer_if_permit permit",
                "450 4.7.0 <r@other.example>: Recipient address rejected: defer_if_permit requested"},
        Replies{"defer_if_permit reject", "554 5.7.1 <r@other.example>: Recipient address rejected: Access denied"},
        Replies{"defer_if_reject", "permit"},
        Replies{"defer_if_reject reject",
                "450 4.7.0 <r@other.example>: Recipient address rejected: defer_if_reject requested"},
        Replies{"defer_if_reject defer", "450 4.3.2 <r@other.example>: Recipient address rejected: Try again later"},
        Replies{"defer_if_reject defer_if_permit reject_unauth_destination",
                "450 4.7.0 <r@other.example>: Recipient address rejected: defer_if_permit requested"},
        Replies{"permit_auth_destination, defer",
                "450 4.3.2 <r@other.example>: Recipient address rejected: Try again later"},
        Replies{"warn_if_reject reject", "permit"}, Replies{"warn_if_reject reject, warn_if_reject", "permit"},
        Replies{"warn_if_reject permit_mynetworks reject",
                "554 5.7.1 <r@other.example>: Recipient address rejected: Access denied"},
        Replies{"permit_mynetworks, # Allow", "451 4.3.5 Server configuration error"},
        Replies{"warn_if_reject nonsense", "451 4.3.5 Server configuration error"},
        Replies{"reject_rbl_client bl.example", "451 4.3.5 Server configuration error"},
        Replies{"check_relay_domains", "451 4.3.5 Server configuration error"},
        Replies{"check_recipient_access", "451 4.3.5 Server configuration error"},
        Replies{"hash:/etc/postfix/access", "451 4.3.5 Server configuration error"},
        Replies{"reject nonsense", "554 5.7.1 <r@other.example>: Recipient address rejected: Access denied"}));

TEST_F(PolicyTest, WarnIfRejectAtTheEndLeavesLaterChecksAlone) {
  settings_.recipient_restrictions = "reject_unauth_destination, warn_if_reject";
  subject_.recipient = "r@alias.example";
  EXPECT_THAT(rcpt(), HasSubstr("User unknown in virtual alias table"));
}

TEST_F(PolicyTest, WarningsAreForTheLog) {
  rcpt("warn_if_reject reject, warn_if_reject reject_unauth_destination, warn_if_reject defer_if_permit");
  EXPECT_TRUE(decision_.permitted());
  EXPECT_THAT(decision_.would_refuse,
              ElementsAre("554 5.7.1 <r@other.example>: Recipient address rejected: Access denied",
                          "554 5.7.1 <r@other.example>: Relay access denied",
                          "450 4.7.0 <r@other.example>: Recipient address rejected: defer_if_permit requested"));
  rcpt("foo");
  EXPECT_THAT(decision_.warnings, ElementsAre("unknown smtpd restriction: \"foo\""));
}

TEST_F(PolicyTest, MistakesDoNotHurtThoseWhoArePermittedBefore) {
  subject_.client_address = "10.0.0.1";
  EXPECT_EQ(rcpt("permit_mynetworks, # Allow internal"), "permit");
  EXPECT_THAT(decision_.warnings, IsEmpty());
}

TEST_F(PolicyTest, BothListsMustPermitAndRelayComesFirst) {
  settings_.recipient_restrictions = "defer";
  EXPECT_THAT(rcpt("permit"), HasSubstr("Try again later"));
  EXPECT_THAT(rcpt("reject"), HasSubstr("Access denied"));
  settings_.relay_before_recipient = false;
  EXPECT_THAT(rcpt("reject"), HasSubstr("Try again later"));
  settings_.recipient_restrictions = "permit";
  EXPECT_THAT(rcpt("reject"), HasSubstr("Access denied"));
}

TEST_F(PolicyTest, DelayedListsRunAtRcptInOrder) {
  subject_.client_address = "10.0.0.1";
  settings_.sender_restrictions = "defer";
  EXPECT_EQ(rcpt(), "450 4.3.2 <s@x.example>: Sender address rejected: Try again later");
  settings_.helo_restrictions = "reject";
  EXPECT_EQ(rcpt(), "554 5.7.1 <client.example>: Helo command rejected: Access denied");
  settings_.client_restrictions = "reject";
  EXPECT_EQ(rcpt(), "554 5.7.1 <unknown[10.0.0.1]>: Client host rejected: Access denied");
}

TEST_F(PolicyTest, HeloListNeedsAHelo) {
  subject_.client_address = "10.0.0.1";
  subject_.helo.reset();
  settings_.helo_restrictions = "reject";
  EXPECT_EQ(rcpt(), "permit");
}

TEST_F(PolicyTest, NullSenderIsEvaluated) {
  subject_.client_address = "10.0.0.1";
  subject_.sender = "";
  settings_.sender_restrictions = "reject";
  EXPECT_EQ(rcpt(), "554 5.7.1 <>: Sender address rejected: Access denied");
}

TEST_F(PolicyTest, WithDelayNothingHappensBeforeRcpt) {
  settings_.client_restrictions = settings_.helo_restrictions = settings_.sender_restrictions = "reject";
  const auto policy = build();
  Memory memory;
  EXPECT_TRUE(run_immediate(policy->check_connect(subject_, memory)).permitted());
  EXPECT_TRUE(run_immediate(policy->check_helo(subject_, memory)).permitted());
  EXPECT_TRUE(run_immediate(policy->check_mail(subject_, memory)).permitted());
}

TEST_F(PolicyTest, WithoutDelayEachStageAnswersItself) {
  settings_.delay_reject = false;
  settings_.client_restrictions = settings_.helo_restrictions = settings_.sender_restrictions = "reject";
  subject_.client_address = "10.0.0.1";
  const auto policy = build();
  Memory memory;
  EXPECT_EQ(run_immediate(policy->check_connect(subject_, memory)).text,
            "<unknown[10.0.0.1]>: Client host rejected: Access denied");
  EXPECT_EQ(run_immediate(policy->check_helo(subject_, memory)).text,
            "<client.example>: Helo command rejected: Access denied");
  EXPECT_EQ(run_immediate(policy->check_mail(subject_, memory)).text,
            "<s@x.example>: Sender address rejected: Access denied");
  EXPECT_TRUE(run_immediate(policy->check_rcpt(subject_, memory)).permitted());
}

TEST_F(PolicyTest, DeferralFlagsLastFromEarlierStages) {
  subject_.client_address = "10.0.0.1";
  settings_.client_restrictions = "defer_if_permit";
  EXPECT_EQ(rcpt(), "450 4.7.0 <unknown[10.0.0.1]>: Client host rejected: defer_if_permit requested");
  settings_.delay_reject = false;
  const auto policy = build();
  Memory memory;
  EXPECT_TRUE(run_immediate(policy->check_connect(subject_, memory)).permitted());
  EXPECT_TRUE(run_immediate(policy->check_mail(subject_, memory)).permitted());
  EXPECT_EQ(run_immediate(policy->check_rcpt(subject_, memory)).code, 450);
  EXPECT_EQ(run_immediate(policy->check_rcpt(subject_, memory)).code, 450) << "for each recipient";
}

TEST_F(PolicyTest, DataListsAnswerAtTheirStage) {
  settings_.data_restrictions = "permit_mynetworks, reject";
  settings_.end_of_data_restrictions = "defer";
  const auto policy = build();
  subject_.recipient.reset();
  EXPECT_EQ(run_immediate(policy->check_data(subject_)).reply(),
            "554 5.7.1 <DATA>: Data command rejected: Access denied");
  EXPECT_EQ(run_immediate(policy->check_end_of_data(subject_)).reply(),
            "450 4.3.2 <END-OF-MESSAGE>: End-of-data rejected: Try again later");
}

TEST_F(PolicyTest, DestinationRestrictionsSayNothingWithoutARecipient) {
  settings_.data_restrictions = "reject_unauth_destination, permit_auth_destination";
  const auto policy = build();
  subject_.recipient.reset();
  EXPECT_TRUE(run_immediate(policy->check_data(subject_)).permitted());
}

TEST_F(PolicyTest, BareTableInDataListIsAMistake) {
  settings_.data_restrictions = "hash:/x";
  const auto policy = build();
  const Decision decision = run_immediate(policy->check_data(subject_));
  EXPECT_EQ(decision.reply(), "451 4.3.5 Server configuration error");
  EXPECT_THAT(decision.warnings,
              ElementsAre("specify one of (check_client_access, check_reverse_client_hostname_access, "
                          "check_helo_access, check_sender_access, check_recipient_access, check_etrn_access) before "
                          "Data command restriction \"hash:/x\""));
}

TEST_F(PolicyTest, BrokenMynetworksDefersThoseItConcerns) {
  settings_.mynetworks = "127.0.0.1, 10.1.2.3/8";
  EXPECT_EQ(rcpt(), "451 4.3.0 <r@other.example>: Temporary lookup failure");
  EXPECT_THAT(decision_.warnings, ElementsAre(HasSubstr("mynetworks: non-null host address bits in \"10.1.2.3/8\"")));
  subject_.client_address = "127.0.0.1";
  EXPECT_EQ(rcpt(), "permit");
}

TEST_F(PolicyTest, BrokenDomainTableDefers) {
  domains_.relay_domains = "foo:/x";
  EXPECT_EQ(rcpt(), "451 4.3.0 <r@other.example>: Temporary lookup failure");
  EXPECT_EQ(rcpt("warn_if_reject reject_unauth_destination, reject"),
            "451 4.3.0 <r@other.example>: Temporary lookup failure");
}

TEST_F(PolicyTest, CodesAreSettings) {
  settings_.reject_code = 550;
  EXPECT_EQ(rcpt("reject"), "550 5.7.1 <r@other.example>: Recipient address rejected: Access denied");
  settings_.relay_domains_reject_code = 571;
  EXPECT_EQ(rcpt("reject_unauth_destination"), "571 5.7.1 <r@other.example>: Relay access denied");
  EXPECT_EQ(rcpt("defer_unauth_destination"), "471 4.7.1 <r@other.example>: Relay access denied");
  settings_.plaintext_reject_code = 550;
  EXPECT_EQ(rcpt("reject_plaintext_session"), "550 5.7.1 Session encryption is required");
  settings_.reject_code = 250;
  EXPECT_EQ(rcpt("reject"), "450 4.7.1 Service unavailable");
  EXPECT_THAT(decision_.warnings, ElementsAre(HasSubstr("SMTP reply code configuration error: 250 5.7.1")));
}

TEST_F(PolicyTest, SoftBounceMakesItTemporary) {
  settings_.soft_bounce = true;
  EXPECT_EQ(rcpt(), "454 4.7.1 <r@other.example>: Relay access denied");
}

TEST_F(PolicyTest, EncryptedSessionsPassRejectPlaintextSession) {
  subject_.encrypted = true;
  EXPECT_EQ(rcpt("reject_plaintext_session"), "permit");
}

TEST_F(PolicyTest, OwnInterfacesArePermitted) {
  subject_.client_address = "192.0.2.1";
  EXPECT_EQ(rcpt("permit_inet_interfaces, reject"), "permit");
}

TEST_F(PolicyTest, UndeliverableRecipientsAreRefusedAtOnce) {
  subject_.client_address = "10.0.0.1";
  router_.local_transport = "error:local delivery disabled";
  subject_.recipient = "r@here.example";
  EXPECT_EQ(rcpt(), "550 5.1.1 <r@here.example>: Recipient address rejected: local delivery disabled");
  subject_.recipient = "r@alias.example";
  EXPECT_EQ(rcpt(), "550 5.1.1 <r@alias.example>: Recipient address rejected: User unknown in virtual alias table");
  settings_.reject_unlisted_recipient = false;
  EXPECT_EQ(rcpt(), "permit");
}

struct Status {
  std::string_view transport, reply;
};

class UndeliverableStatus : public PolicyTest, public ::testing::WithParamInterface<Status> {};

TEST_P(UndeliverableStatus, ComesFromTheText) {
  router_.local_transport = GetParam().transport;
  subject_.recipient = "r@here.example";
  EXPECT_EQ(rcpt(), GetParam().reply);
}

INSTANTIATE_TEST_SUITE_P(
    All, UndeliverableStatus,
    ::testing::Values(Status{"error:5.7.5 go away", "550 5.7.5 <r@here.example>: Recipient address rejected: go away"},
                      Status{"error:4.2.1 go away", "550 5.2.1 <r@here.example>: Recipient address rejected: go away"},
                      Status{"error:5.1.8 x", "550 5.1.2 <r@here.example>: Recipient address rejected: x"},
                      Status{"error:5.1.7 x", "550 5.1.3 <r@here.example>: Recipient address rejected: x"},
                      Status{"error:5.1.9 x", "550 5.1.0 <r@here.example>: Recipient address rejected: x"},
                      Status{"error:5.1.6 x", "550 5.1.6 <r@here.example>: Recipient address rejected: x"},
                      Status{"error:5.1 x", "550 5.1.1 <r@here.example>: Recipient address rejected: 5.1 x"},
                      Status{"error:5.1.1234 x", "550 5.1.1 <r@here.example>: Recipient address rejected: 5.1.1234 x"},
                      Status{"error:9.1.1 x", "550 5.1.1 <r@here.example>: Recipient address rejected: 9.1.1 x"},
                      Status{"retry:later", "450 4.1.1 <r@here.example>: Recipient address rejected: later"},
                      Status{"retry:4.3.2 x y", "450 4.3.2 <r@here.example>: Recipient address rejected: x y"}));

TEST_F(PolicyTest, UnroutableAddressesAreASyntaxError) {
  subject_.client_address = "10.0.0.1";
  for (const auto to : {"r@1.2.3.4", "r@", "r@a..b", "-r@other.example", "r@[1.2.3]"}) {
    subject_.recipient = to;
    EXPECT_EQ(rcpt(), "501 5.1.3 Bad recipient address syntax") << to;
  }
}

TEST_F(PolicyTest, RepliesStayWithinTheLineLimitAndPrintable) {
  subject_.recipient = std::string(800, 'r') + "\r\n\xff@other.example";
  const std::string reply = rcpt();
  EXPECT_LE(decision_.text.size(), 510U);
  for (const char c : reply) EXPECT_TRUE(c >= ' ' && c < 127);
}

TEST_F(PolicyTest, FindsListsWithoutRelayProtection) {
  constexpr std::string_view kText =
      "error no-relay-protection: smtpd_relay_restrictions: in parameter smtpd_relay_restrictions or "
      "smtpd_recipient_restrictions, specify at least one working instance of: reject_unauth_destination, "
      "defer_unauth_destination, reject, defer, defer_if_permit or check_relay_domains";
  for (const auto open : {"", "permit_mynetworks", "permit", "warn_if_reject reject", "permit_sasl_authenticated"}) {
    settings_.relay_restrictions = open;
    EXPECT_THAT(findings(), ElementsAre(kText)) << open;
  }
  settings_.relay_restrictions = "permit, reject";
  EXPECT_THAT(findings(), Contains(kText));
  for (const auto closed : {"permit_mynetworks, reject", "reject_unauth_destination", "defer_unauth_destination",
                            "defer_if_permit", "defer", "REJECT"}) {
    settings_.relay_restrictions = closed;
    EXPECT_THAT(findings(), IsEmpty()) << closed;
  }
  settings_.relay_restrictions = "";
  settings_.recipient_restrictions = "permit_mynetworks, reject_unauth_destination";
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(PolicyTest, FindsMistakesInTheLists) {
  settings_.client_restrictions = "reject_rbl_client bl.example, permit, reject, defer";
  settings_.helo_restrictions = "permit_mynetworks, # comment";
  settings_.sender_restrictions = "hash:/etc/postfix/sender_access";
  settings_.data_restrictions = "check_relay_domains reject_unauth_pipelining";
  settings_.end_of_data_restrictions = "check_policy_service, warn_if_reject reject, permit_mynetworks";
  EXPECT_THAT(
      findings(),
      ElementsAre(
          "error unsupported-restriction: smtpd_client_restrictions: restriction reject_rbl_client is not "
          "supported by this version of Waypost (reject_rbl_client bl.example)",
          "warning ignored-restriction: smtpd_client_restrictions: restriction `reject' after `permit' is ignored",
          "warning ignored-restriction: smtpd_client_restrictions: restriction `defer' after `reject' is ignored",
          "warning unknown-restriction: smtpd_helo_restrictions: unknown smtpd restriction: \"#\"",
          "warning unknown-restriction: smtpd_helo_restrictions: unknown smtpd restriction: \"comment\"",
          "error unsupported-restriction: smtpd_sender_restrictions: restriction check_sender_access is not "
          "supported by this version of Waypost (check_sender_access hash:/etc/postfix/sender_access)",
          "warning removed-restriction: smtpd_data_restrictions: support for restriction \"check_relay_domains\" "
          "has been removed in Postfix 3.9; instead, specify \"reject_unauth_destination\"",
          "error unsupported-restriction: smtpd_data_restrictions: restriction reject_unauth_pipelining is not "
          "supported by this version of Waypost",
          "error unsupported-restriction: smtpd_end_of_data_restrictions: restriction check_policy_service must "
          "be followed by transport:server"));
}

TEST_F(PolicyTest, FindsBadNetworks) {
  settings_.mynetworks = "10.1.2.3/8";
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("warning bad-pattern: mynetworks: mynetworks: non-null host")));
}

TEST(RestrictionNames, AreKnownWithoutRegardToCase) {
  EXPECT_NE(find_restriction("Permit_MyNetworks"), nullptr);
  EXPECT_EQ(find_restriction("permit_mynetwork"), nullptr);
  EXPECT_FALSE(find_restriction("check_client_access")->is_built());
}

}  // namespace
}  // namespace waypost::access
