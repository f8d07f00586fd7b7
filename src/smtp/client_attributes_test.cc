#include "smtp/client_attributes.h"

#include <gtest/gtest.h>

namespace waypost::smtp {
namespace {

std::string refusal(std::string_view line) {
  const auto parsed = parse_xclient(parse_command(line));
  return parsed ? "" : parsed.error();
}

TEST(Xclient, ReadsEveryAttribute) {
  const auto client = parse_xclient(parse_command(
      "XCLIENT NAME=mail.example reverse_name=other.example ADDR=IPv6:2001:DB8::1 PORT=25 HELO=he;lo PROTO=esmtp "
      "LOGIN=u@x DESTADDR=192.0.2.9 DESTPORT=587"));
  ASSERT_TRUE(client);
  EXPECT_EQ(client->name, "mail.example");
  EXPECT_EQ(client->reverse_name, "other.example");
  EXPECT_EQ(client->address, "2001:db8::1");
  EXPECT_EQ(client->port, "25");
  EXPECT_EQ(client->helo, "he?lo");
  EXPECT_EQ(client->protocol, "ESMTP");
  EXPECT_EQ(client->login, "u@x");
  EXPECT_EQ(client->server_address, "192.0.2.9");
  EXPECT_EQ(client->server_port, "587");
}

TEST(Xclient, LeavesOutWhatWasNotSaid) {
  const auto client = parse_xclient(parse_command("XCLIENT ADDR=192.0.2.1"));
  ASSERT_TRUE(client);
  EXPECT_FALSE(client->name || client->helo || client->login || client->protocol);
}

TEST(Xclient, KnowsWhatIsUnavailable) {
  const auto client = parse_xclient(
      parse_command("XCLIENT NAME=[TEMPUNAVAIL] ADDR=[UNAVAILABLE] PORT=[unavailable] HELO=[UNAVAILABLE]"));
  ASSERT_TRUE(client);
  EXPECT_EQ(client->name, "unknown");
  EXPECT_EQ(client->address, "unknown");
  EXPECT_EQ(client->port, "unknown");
  EXPECT_EQ(client->helo, "");
}

TEST(Xclient, RefusesWhatIsMalformed) {
  EXPECT_EQ(refusal("XCLIENT"), "501 5.5.4 Syntax: XCLIENT attribute=value...");
  EXPECT_EQ(refusal("XCLIENT NAME"), "501 5.5.4 Error: attribute=value expected");
  EXPECT_EQ(refusal("XCLIENT NAME="), "501 5.5.4 Error: attribute=value expected");
  EXPECT_EQ(refusal("XCLIENT FROB=1"), "501 5.5.4 Bad XCLIENT attribute name: FROB");
  EXPECT_EQ(refusal("XCLIENT NAME=a_b!c"), "501 5.5.4 Bad NAME syntax: a_b!c");
  EXPECT_EQ(refusal("XCLIENT ADDR=192.0.2"), "501 5.5.4 Bad ADDR syntax: 192.0.2");
  EXPECT_EQ(refusal("XCLIENT PORT=65536"), "501 5.5.4 Bad PORT syntax: 65536");
  EXPECT_EQ(refusal("XCLIENT PROTO=LMTP"), "501 5.5.4 Bad PROTO syntax: LMTP");
}

TEST(Xclient, LimitsTheLengthOfAValue) {
  EXPECT_EQ(refusal("XCLIENT HELO=" + std::string(kMaxAttributeBytes, 'x')), "");
  EXPECT_EQ(refusal("XCLIENT HELO=" + std::string(kMaxAttributeBytes + 1, 'x')),
            "501 5.5.4 Error: attribute value too long");
}

TEST(Xforward, GathersOverSeveralCommands) {
  auto forwarded = parse_xforward(parse_command("XFORWARD IDENT=ABC123 SOURCE=LOCAL"), {});
  ASSERT_TRUE(forwarded);
  EXPECT_FALSE(forwarded->has_client);
  EXPECT_EQ(forwarded->ident, "ABC123");
  EXPECT_EQ(forwarded->is_local, true);
  forwarded = parse_xforward(parse_command("XFORWARD NAME=app.example ADDR=192.0.2.1 PROTO=HTTP"), *forwarded);
  ASSERT_TRUE(forwarded);
  EXPECT_TRUE(forwarded->has_client);
  EXPECT_EQ(forwarded->name, "app.example");
  EXPECT_EQ(forwarded->port, "unknown");
  EXPECT_EQ(forwarded->ident, "ABC123");
}

TEST(Xforward, RefusesWhatIsMalformed) {
  const auto say = [](std::string_view line) { return parse_xforward(parse_command(line), {}).error(); };
  EXPECT_EQ(say("XFORWARD"), "501 5.5.4 Syntax: XFORWARD attribute=value...");
  EXPECT_EQ(say("XFORWARD LOGIN=x"), "501 5.5.4 Bad XFORWARD attribute name: LOGIN");
  EXPECT_EQ(say("XFORWARD SOURCE=NEAR"), "501 5.5.4 Bad SOURCE syntax: NEAR");
  EXPECT_EQ(say("XFORWARD PROTO=" + std::string(65, 'p')), "501 5.5.4 Bad PROTO syntax: " + std::string(65, 'p'));
}

}  // namespace
}  // namespace waypost::smtp
