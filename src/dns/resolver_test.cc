// The resolvers: libunbound against a scripted name server on loopback, the system's, and the fake.
#include <gtest/gtest.h>

#include <chrono>

#include "dns/fake_resolver.h"
#include "dns/native_resolver.h"
#include "dns/test_server.h"
#include "dns/unbound_resolver.h"
#include "net/sync_wait.h"

namespace waypost::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonoTime in(milliseconds time) { return std::chrono::steady_clock::now() + time; }

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() { thread_.start(); }
  ~ResolverTest() override { thread_.stop(); }

  ResolverSettings settings() const { return {.servers = {server_.where()}, .transparent_zones = {"test."}}; }
  Answer lookup(Resolver& resolver, std::string name, Type type, MonoTime deadline = in(seconds{20})) {
    return net::sync_wait(thread_, resolver.lookup(std::move(name), type, deadline));
  }

  TestDnsServer server_;
  net::IoThread thread_{0};
};

TEST_F(ResolverTest, AnswersAddressesAndMxThroughItsServer) {
  server_.answer("relay.test", Type::a, {a_record("relay.test", "192.0.2.1")});
  server_.answer("relay.test", Type::aaaa, {aaaa_record("relay.test", "2001:db8::1")});
  server_.answer("example.test", Type::mx,
                 {mx_record("example.test", 10, "mx1.test"), mx_record("example.test", 20, "mx2.test")});
  UnboundResolver resolver(settings());
  EXPECT_EQ(lookup(resolver, "relay.test", Type::a).addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(lookup(resolver, "relay.test.", Type::aaaa).addresses, std::vector<std::string>{"2001:db8::1"});
  const Answer mx = lookup(resolver, "example.test", Type::mx);
  EXPECT_EQ(mx.status, Status::ok);
  EXPECT_EQ(mx.mx.size(), 2U);
  EXPECT_FALSE(mx.secure);
}

TEST_F(ResolverTest, AnswersFromItsCache) {
  server_.answer("cached.test", Type::a, {a_record("cached.test", "192.0.2.1")});
  UnboundResolver resolver(settings());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(lookup(resolver, "cached.test", Type::a).status, Status::ok);
  EXPECT_EQ(server_.asked("cached.test", Type::a), 1);
}

TEST_F(ResolverTest, TellsFailuresApart) {
  server_.answer("only-a.test", Type::a, {a_record("only-a.test", "192.0.2.1")});
  server_.fails("broken.test", Type::a, TestDnsServer::kServfail);
  server_.answer("null.test", Type::mx, {mx_record("null.test", 0, ".")});
  UnboundResolver resolver(settings());
  EXPECT_EQ(lookup(resolver, "only-a.test", Type::mx).status, Status::no_data);
  const Answer missing = lookup(resolver, "missing.test", Type::mx);
  EXPECT_EQ(missing.status, Status::nxdomain);
  EXPECT_EQ(missing.failure,
            "Host or domain name not found. Name service error for name=missing.test type=MX: Host not found");
  EXPECT_EQ(lookup(resolver, "broken.test", Type::a).status, Status::temporary);
  EXPECT_TRUE(lookup(resolver, "null.test", Type::mx).is_null_mx());
}

TEST_F(ResolverTest, FollowsCnames) {
  server_.answer("www.test", Type::a, {cname_record("www.test", "host.test"), a_record("host.test", "192.0.2.7")});
  server_.answer("host.test", Type::a, {a_record("host.test", "192.0.2.7")});
  UnboundResolver resolver(settings());
  const Answer answer = lookup(resolver, "www.test", Type::a);
  EXPECT_EQ(answer.addresses, std::vector<std::string>{"192.0.2.7"});
  EXPECT_EQ(answer.canonical_name, "host.test");
}

TEST_F(ResolverTest, PrivateReverseZonesAreAskedOfTheServer) {
  const std::string name = reverse_name("10.1.2.3");
  server_.answer(name, Type::ptr, {ptr_record(name, "printer.test")});
  UnboundResolver resolver(settings());
  EXPECT_EQ(lookup(resolver, name, Type::ptr).names, std::vector<std::string>{"printer.test"});
}

TEST_F(ResolverTest, ASilentServerIsTemporaryAtTheDeadline) {
  server_.silent("slow.test", Type::a);
  UnboundResolver resolver(settings());
  const MonoTime start = std::chrono::steady_clock::now();
  const Answer answer = lookup(resolver, "slow.test", Type::a, in(milliseconds{100}));
  EXPECT_EQ(answer.status, Status::temporary);
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds{2});
  server_.answer("quick.test", Type::a, {a_record("quick.test", "192.0.2.1")});
  EXPECT_EQ(lookup(resolver, "quick.test", Type::a).status, Status::ok);
}

TEST_F(ResolverTest, AnUnsignedAnswerBelowATrustAnchorIsBogus) {
  server_.answer("host.signed.test", Type::a, {a_record("host.signed.test", "192.0.2.66")});
  auto with_anchor = settings();
  with_anchor.trust_anchors = {"signed.test. IN DS 12345 13 2 " + std::string(64, 'A')};
  UnboundResolver resolver(with_anchor);
  const Answer answer = lookup(resolver, "host.signed.test", Type::a);
  EXPECT_EQ(answer.status, Status::bogus);
  EXPECT_TRUE(answer.addresses.empty());
  EXPECT_FALSE(answer.secure);
}

TEST_F(ResolverTest, NamesThatAreNoneDoNotExistAndAreNotAsked) {
  UnboundResolver resolver(settings());
  for (const char* bad : {"", "a..b", "sp ace.test", "back\\slash.test"}) {
    EXPECT_EQ(lookup(resolver, bad, Type::mx).status, Status::nxdomain) << bad;
  }
}

TEST_F(ResolverTest, ARefusedSettingIsNamedInTheFailure) {
  auto wrong = settings();
  wrong.servers = {"not-an-address"};
  UnboundResolver resolver(wrong);
  const Answer answer = lookup(resolver, "x.test", Type::a);
  EXPECT_EQ(answer.status, Status::temporary);
  EXPECT_NE(answer.failure.find("name server \"not-an-address\""), std::string::npos) << answer.failure;
}

net::Task<void> expect_temporary(Resolver& resolver, int& ended) {
  const Answer answer = co_await resolver.lookup("slow.test", Type::a, MonoTime::max());
  EXPECT_EQ(answer.status, Status::temporary);
  ++ended;
}

net::Task<int> destroy_under_way(net::IoThread& thread, std::unique_ptr<UnboundResolver> resolver) {
  int ended = 0;
  net::TaskGroup group(thread);
  for (int i = 0; i < 3; ++i) group.spawn(expect_temporary(*resolver, ended));
  co_await net::sleep_until(thread, in(milliseconds{50}));
  resolver.reset();
  co_await group.drained(in(seconds{5}));
  co_return ended;
}

TEST_F(ResolverTest, DestroyingItEndsWhatIsUnderWay) {
  server_.silent("slow.test", Type::a);
  EXPECT_EQ(net::sync_wait(thread_, destroy_under_way(thread_, std::make_unique<UnboundResolver>(settings()))), 3);
}

net::Task<void> count_ok(Resolver& resolver, std::string name, int& good) {
  const Answer answer = co_await resolver.lookup(std::move(name), Type::a, in(seconds{30}));
  if (answer.status == Status::ok) ++good;
}

net::Task<int> many(net::IoThread& thread, Resolver& resolver, int count) {
  int good = 0;
  net::TaskGroup group(thread);
  for (int i = 0; i < count; ++i) group.spawn(count_ok(resolver, "h" + std::to_string(i) + ".test", good));
  co_await group.drained();
  co_return good;
}

TEST_F(ResolverTest, ServesHundredsOfLookupsAtOnce) {
  constexpr int kCount = 300;
  for (int i = 0; i < kCount; ++i) {
    const std::string name = "h" + std::to_string(i) + ".test";
    server_.answer(name, Type::a, {a_record(name, "192.0.2.1")});
  }
  UnboundResolver resolver(settings());
  EXPECT_EQ(net::sync_wait(thread_, many(thread_, resolver, kCount)), kCount);
}

TEST_F(ResolverTest, TheSystemsResolverKnowsLocalhost) {
  net::BlockingPool pool(1, 8);
  NativeResolver resolver(pool);
  EXPECT_EQ(lookup(resolver, "localhost", Type::a).addresses, std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(lookup(resolver, "localhost", Type::mx).status, Status::no_data);
  EXPECT_EQ(lookup(resolver, "a..b", Type::a).status, Status::nxdomain);
  const Answer name = lookup(resolver, "127.0.0.1", Type::ptr);
  EXPECT_EQ(name.names, std::vector<std::string>{"localhost"});
  EXPECT_EQ(lookup(resolver, reverse_name("127.0.0.1"), Type::ptr).names, name.names);
}

TEST_F(ResolverTest, TheFakeAnswersItsScript) {
  FakeResolver fake;
  fake.address("h.test", "192.0.2.1").address("h.test", "2001:db8::1").mx("Example.test", 10, "h.test");
  fake.ptr("192.0.2.1", "h.test").fails("bad.test", Type::mx, Status::temporary);
  EXPECT_EQ(lookup(fake, "H.test.", Type::a).addresses, std::vector<std::string>{"192.0.2.1"});
  EXPECT_EQ(lookup(fake, "example.test", Type::mx).mx.front().host, "h.test");
  EXPECT_EQ(lookup(fake, reverse_name("192.0.2.1"), Type::ptr).names.front(), "h.test");
  EXPECT_EQ(lookup(fake, "bad.test", Type::mx).status, Status::temporary);
  EXPECT_EQ(lookup(fake, "h.test", Type::mx).status, Status::no_data);
  EXPECT_EQ(lookup(fake, "none.test", Type::mx).status, Status::nxdomain);
  EXPECT_EQ(fake.asked().size(), 6U);
  EXPECT_EQ(fake.asked().front(), "h.test/A");
}

}  // namespace
}  // namespace waypost::dns
