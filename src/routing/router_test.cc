#include "routing/router.h"

#include <gmock/gmock.h>

#include "tables/run_immediate.h"

namespace waypost::routing {
namespace {

using tables::run_immediate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    domains_.mydestination = "here.example, localhost";
    domains_.virtual_alias_domains = "alias.example";
    domains_.virtual_mailbox_domains = "mailbox.example";
    domains_.relay_domains = "relay.example";
    domains_.own_addresses = {"192.0.2.1", "2001:db8::1"};
    domains_.proxy_addresses = {"198.51.100.1"};
    settings_.rewrite = {.myorigin = "here.example", .mydomain = "example"};
    settings_.myhostname = "mx.here.example";
    settings_.local_transport = "local:mx.here.example";
  }

  Result<Route> resolve(std::string recipient) {
    const Router router(settings_, std::make_shared<Domains>(domains_, registry_));
    return run_immediate(router.resolve("sender@x.example", std::move(recipient)));
  }
  // "class transport:nexthop recipient" with "!" before an explicit nexthop.
  std::string shown(std::string recipient) {
    const auto route = resolve(std::move(recipient));
    if (!route) return route.error().text;
    return std::string(to_text(route->address_class)) + " " + route->transport + ":" +
           (route->explicit_nexthop ? "!" : "") + route->nexthop + " " + route->recipient;
  }

  CapturingLog sink_;
  ManualClock clock_;
  tables::TableRegistry registry_{Log(sink_, "test", 1), clock_};
  DomainSettings domains_;
  RouterSettings settings_;
};

TEST_F(RouterTest, ClassesChooseTheTransport) {
  EXPECT_EQ(shown("u@here.example"), "local local:!mx.here.example u@here.example");
  EXPECT_EQ(shown("u@HERE.example."), "local local:!mx.here.example u@HERE.example");
  EXPECT_EQ(shown("u@[192.0.2.1]"), "local local:!mx.here.example u@[192.0.2.1]");
  EXPECT_EQ(shown("u@[IPv6:2001:db8:0::1]"), "local local:!mx.here.example u@[IPv6:2001:db8:0::1]");
  EXPECT_EQ(shown("u@[198.51.100.1]"), "local local:!mx.here.example u@[198.51.100.1]");
  EXPECT_EQ(shown("u@alias.example"), "virtual alias error:5.1.1 User unknown in virtual alias table u@alias.example");
  EXPECT_EQ(shown("u@mailbox.example"), "virtual mailbox virtual:mailbox.example u@mailbox.example");
  EXPECT_EQ(shown("u@relay.example"), "relay relay:relay.example u@relay.example");
  EXPECT_EQ(shown("u@sub.relay.example"), "relay relay:sub.relay.example u@sub.relay.example");
  EXPECT_EQ(shown("u@sub.here.example"), "default smtp:sub.here.example u@sub.here.example");
  EXPECT_EQ(shown("u@[192.0.2.9]"), "default smtp:[192.0.2.9] u@[192.0.2.9]");
}

TEST_F(RouterTest, RelayhostCoversRelayDomainsToo) {
  settings_.relayhost = "[smtp.provider.example]:587";
  EXPECT_EQ(shown("u@other.example"), "default smtp:![smtp.provider.example]:587 u@other.example");
  EXPECT_EQ(shown("u@relay.example"), "relay relay:![smtp.provider.example]:587 u@relay.example");
  EXPECT_EQ(shown("u@mailbox.example"), "virtual mailbox virtual:mailbox.example u@mailbox.example");
}

TEST_F(RouterTest, NexthopInTheTransportSettingBeatsRelayhost) {
  settings_.relayhost = "[smtp.provider.example]:587";
  settings_.default_transport = "smtp:[gate.example]";
  settings_.relay_transport = "lmtp:unix:/socket";
  EXPECT_EQ(shown("u@other.example"), "default smtp:![gate.example] u@other.example");
  EXPECT_EQ(shown("u@relay.example"), "relay lmtp:!unix:/socket u@relay.example");
}

TEST_F(RouterTest, ErrorTransportCarriesItsText) {
  settings_.local_transport = "error:local delivery disabled";
  EXPECT_EQ(shown("root"), "local error:!local delivery disabled root@here.example");
}

TEST_F(RouterTest, NullTransportIsAFailure) {
  settings_.default_transport = ":nowhere";
  EXPECT_EQ(shown("u@other.example"), "parameter default_transport: null transport is not allowed");
}

TEST_F(RouterTest, OwnRelayhostOfACustomServiceIsItsDefaultNexthop) {
  settings_.service_relayhosts["premium_relay"] = "[smtp.premium.example]:587";
  settings_.default_transport = "premium_relay";
  EXPECT_EQ(shown("u@other.example"), "default premium_relay:[smtp.premium.example]:587 u@other.example");
  settings_.relayhost = "[global.example]";
  EXPECT_EQ(shown("u@other.example"), "default premium_relay:![global.example] u@other.example");
  settings_.relayhost.clear();
  settings_.default_transport = "premium_relay:[explicit.example]";
  EXPECT_EQ(shown("u@other.example"), "default premium_relay:![explicit.example] u@other.example");
  settings_.virtual_transport = "premium_relay";
  EXPECT_EQ(shown("u@mailbox.example"), "virtual mailbox premium_relay:mailbox.example u@mailbox.example");
}

struct Stripping {
  std::string_view address, result;
};

class OwnDomains : public RouterTest, public ::testing::WithParamInterface<Stripping> {};

TEST_P(OwnDomains, AreStrippedFromOperators) { EXPECT_EQ(shown(std::string(GetParam().address)), GetParam().result); }

INSTANTIATE_TEST_SUITE_P(
    All, OwnDomains,
    ::testing::Values(Stripping{"u%a.example@here.example", "default smtp:a.example u@a.example"},
                      Stripping{"a.example!u@here.example", "default smtp:a.example u@a.example"},
                      Stripping{"u@a.example@here.example", "default smtp:a.example u@a.example"},
                      Stripping{"two words@a.example@here.example", "default smtp:a.example two words@a.example"},
                      Stripping{"two words%a.example@here.example", "default smtp:a.example two words@a.example"},
                      Stripping{"u%here.example@here.example", "local local:!mx.here.example u@here.example"},
                      Stripping{"u%a.example@elsewhere.example",
                                "default smtp:elsewhere.example u%a.example@elsewhere.example"},
                      Stripping{"@here.example", "local local:!mx.here.example MAILER-DAEMON@here.example"},
                      Stripping{"u%a.example%here.example@localhost", "default smtp:a.example u@a.example"},
                      Stripping{"u@a.example@[192.0.2.1]", "default smtp:a.example u@a.example"},
                      Stripping{"u%@here.example", "default error:5.1.3 bad address syntax u@"},
                      Stripping{"two words@here.example", "local local:!mx.here.example two words@here.example"}));

// What Postfix's resolver answers to the odd forms (checked against its own).
class OddForms : public RouterTest, public ::testing::WithParamInterface<Stripping> {};

TEST_P(OddForms, ResolveAsInPostfix) {
  const auto route = resolve(std::string(GetParam().address));
  ASSERT_TRUE(route);
  EXPECT_EQ((route->bad_syntax                             ? "error "
             : route->address_class == AddressClass::local ? "local "
                                                           : "default ") +
                route->recipient,
            GetParam().result);
}

INSTANTIATE_TEST_SUITE_P(
    All, OddForms,
    ::testing::Values(
        Stripping{"@@", "error MAILER-DAEMON@"}, Stripping{"@a.", "default @a"}, Stripping{"@..", "error @.."},
        Stripping{"@.@.", "error @.@."}, Stripping{"!", "error MAILER-DAEMON@"}, Stripping{"a!", "default @a.example"},
        Stripping{"!b", "error b@"}, Stripping{"a!b", "default b@a.example"}, Stripping{"!@", "error MAILER-DAEMON@"},
        Stripping{"a!@", "default @a.example"}, Stripping{"!b@", "error b@"}, Stripping{"a!b@", "default b@a.example"},
        Stripping{"%", "error MAILER-DAEMON@"}, Stripping{"a%", "error a@"}, Stripping{"%b", "default @b.example"},
        Stripping{"a%b", "default a@b.example"}, Stripping{"%@", "error MAILER-DAEMON@"}, Stripping{"a%@", "error a@"},
        Stripping{"%b@", "default @b.example"}, Stripping{"a@@", "error a@"}, Stripping{"@b@", "default @b.example"},
        Stripping{"a@b@", "default a@b.example"}, Stripping{"a%b@", "default a@b.example"},
        Stripping{"a%b@here.example", "default a@b.example"}, Stripping{"a!b@here.example", "default b@a.example"},
        Stripping{"a@b@here.example", "default a@b.example"},
        Stripping{"a[b]@here.example@here.example", "local a[b]@here.example"},
        Stripping{"a[b]%here.example@here.example", "local a[b]@here.example"},
        Stripping{"user@dom.ain1@dom.ain2", "default user@dom.ain1@dom.ain2"},
        Stripping{"[1.2.3.4]!user@dom.ain2", "default [1.2.3.4]!user@dom.ain2"},
        Stripping{"user@[321.1.2.3]", "error user@[321.1.2.3]"}, Stripping{"user@1.2.3", "error user@1.2.3"},
        Stripping{"user@host:port", "error user@host:port"}, Stripping{"user@host", "default user@host"}));

TEST_F(RouterTest, SettingsLimitWhatIsStripped) {
  settings_.rewrite.allow_percent_hack = false;
  EXPECT_EQ(shown("u%a.example@here.example"), "local local:!mx.here.example u%a.example@here.example");
  settings_.resolve_dequoted_address = false;
  EXPECT_EQ(shown("u@a.example@here.example"), "local local:!mx.here.example u@a.example@here.example");
}

TEST_F(RouterTest, NullRecipientIsTheMailerDaemon) {
  domains_.mydestination += ", mx.here.example";
  EXPECT_EQ(shown(""), "local local:!mx.here.example MAILER-DAEMON@mx.here.example");
}

TEST_F(RouterTest, SourceRoutesAreMarked) {
  for (const auto routed : {"a%b@c.example", "a!b@c.example", "a@b@c.example", "a%b@relay.example"}) {
    EXPECT_TRUE(resolve(routed)->source_routed) << routed;
  }
  for (const auto plain : {"a@c.example", "u%relay.example@here.example", "u@[192.0.2.9]"}) {
    EXPECT_FALSE(resolve(plain)->source_routed) << plain;
  }
}

TEST_F(RouterTest, BadDomainsAreAnError) {
  for (const auto bad : {"u@1.2.3.4", "u@", "u@a..b", "u@[1.2.3]", "u@-a.example", "u@a b.example", "-u@a.example",
                         "u@a.example..", "u@.", "u@m\xc3\xbc.example"}) {
    const auto route = resolve(bad);
    ASSERT_TRUE(route) << bad;
    EXPECT_TRUE(route->bad_syntax) << bad;
    EXPECT_EQ(route->transport, kErrorTransport);
    EXPECT_EQ(route->nexthop, "5.1.3 bad address syntax");
  }
}

TEST_F(RouterTest, SettingsAllowMoreDomains) {
  settings_.resolve_numeric_domain = true;
  settings_.allow_min_user = true;
  settings_.resolve_null_domain = true;
  settings_.smtputf8_enable = true;
  EXPECT_EQ(shown("u@192.0.2.9"), "default smtp:[192.0.2.9] u@[192.0.2.9]");
  EXPECT_EQ(shown("u@192.0.2.1"), "local local:!mx.here.example u@[192.0.2.1]");
  EXPECT_EQ(shown("-u@a.example"), "default smtp:a.example -u@a.example");
  EXPECT_EQ(shown("u@m\xc3\xbc.example"), "default smtp:m\xc3\xbc.example u@m\xc3\xbc.example");
  EXPECT_EQ(shown("u@here.example@"), "local local:!mx.here.example u@here.example");
}

TEST_F(RouterTest, FailingTablesDeferAndNeverGuess) {
  domains_.virtual_mailbox_domains = "foo:/x";
  EXPECT_EQ(shown("u@here.example"), "local local:!mx.here.example u@here.example");
  EXPECT_EQ(shown("u@other.example"), "virtual_mailbox_domains: foo:/x: table lookup problem");
  domains_.mydestination = "foo:/x";
  EXPECT_EQ(resolve("u@here.example").error().code, Errc::unavailable);
}

TEST_F(RouterTest, ManyOperatorsEnd) {
  std::string address;
  for (int i = 0; i < 500; ++i) address += "here.example!";
  EXPECT_EQ(shown(address + "u@here.example"), "local local:!mx.here.example u@here.example");
  address = "u";
  for (int i = 0; i < 500; ++i) address += "@here.example";
  EXPECT_EQ(shown(address), "local local:!mx.here.example u@here.example");
}

TEST_F(RouterTest, NamesItsProblems) {
  settings_.relayhost = "[smtp.provider.example:587";
  settings_.relay_transport.clear();
  settings_.service_relayhosts["x"] = "a b!";
  domains_.relay_domains = "10.1.2.3/8";
  const Router router(settings_, std::make_shared<Domains>(domains_, registry_));
  EXPECT_THAT(router.problems(), ElementsAre(HasSubstr("relay_domains: non-null host address bits"),
                                             "parameter relay_transport: null transport is not allowed",
                                             "parameter relayhost: missing \"]\" in \"[smtp.provider.example:587\"",
                                             HasSubstr("service x: relayhost: valid hostname")));
}

}  // namespace
}  // namespace waypost::routing
