#include "tables/lookup_protocols.h"

#include <gmock/gmock.h>

namespace waypost::tables {
namespace {

using Kind = ServerAnswer::Kind;

// What a reader makes of text: "found:value", "more", "broken".
std::string shown(const Parsed& parsed) {
  if (!parsed) return "broken: " + parsed.error().text;
  if (!*parsed) return "more";
  const auto& answer = **parsed;
  if (answer.kind == Kind::found) return "found:" + answer.text;
  return answer.kind == Kind::not_found ? "not found" : "failed:" + answer.text;
}

// Every prefix must ask for more; the whole gives the answer.
template <class Parse>
std::string whole(std::string_view text, Parse parse) {
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(shown(parse(text.substr(0, size))), "more") << text.substr(0, size);
  }
  return shown(parse(text));
}

TEST(TcpProtocol, EncodesWhatIsNotPrintable) {
  EXPECT_EQ(tcp::request("user@example.com"), "get user@example.com\n");
  EXPECT_EQ(tcp::request("a b%\n\xc3\xa4"), "get a%20b%25%0A%C3%A4\n");
  EXPECT_EQ(tcp::request("x\n500 gone"), "get x%0A500%20gone\n") << "one request stays one line";
}

TEST(TcpProtocol, ReadsReplies) {
  EXPECT_EQ(whole("200 a%20b%0a\n", tcp::parse), "found:a b\n");
  EXPECT_EQ(whole("200 \n", tcp::parse), "found:");
  EXPECT_EQ(whole("500 no such key\n", tcp::parse), "not found");
  EXPECT_EQ(whole("400 try later\n", tcp::parse), "failed:try later");
}

TEST(TcpProtocol, RefusesWhatIsNoReply) {
  EXPECT_EQ(shown(tcp::parse("hello\n")), "broken: malformed reply: hello");
  EXPECT_EQ(shown(tcp::parse("200\n")), "broken: malformed reply: 200");
  EXPECT_EQ(shown(tcp::parse("200 100%\n")), "broken: malformed reply: 200 100%");
  EXPECT_EQ(shown(tcp::parse("200 %0\n")), "broken: malformed reply: 200 %0");
  EXPECT_EQ(shown(tcp::parse("300 x\n")), "broken: bad status code: 300 x");
  EXPECT_EQ(shown(tcp::parse("200 a\n200 b\n")), "broken: more than one reply: 200 a?200 b?");
}

TEST(TcpProtocol, LimitsTheReply) {
  const std::string longest = "200 " + std::string(tcp::kMaxReply - 5, 'x') + "\n";
  EXPECT_EQ(shown(tcp::parse(longest)), "found:" + std::string(tcp::kMaxReply - 5, 'x'));
  EXPECT_EQ(shown(tcp::parse("200 " + std::string(tcp::kMaxReply - 4, 'x') + "\n")), "broken: text longer than 4096");
  EXPECT_EQ(shown(tcp::parse(std::string(tcp::kMaxReply - 1, 'x'))), "more");
  EXPECT_EQ(shown(tcp::parse(std::string(tcp::kMaxReply, 'x'))), "broken: text longer than 4096");
}

Parsed parse_socketmap(std::string_view received) { return socketmap::parse(received, 20); }

TEST(SocketmapProtocol, FramesRequests) {
  EXPECT_EQ(socketmap::request("virtual", "user@example.com"), "24:virtual user@example.com,");
  EXPECT_EQ(socketmap::request("m", "a,5:m b,"), "10:m a,5:m b,,") << "the length decides, not the text";
}

TEST(SocketmapProtocol, ReadsReplies) {
  EXPECT_EQ(whole("8:OK value,", parse_socketmap), "found:value");
  EXPECT_EQ(whole("3:OK ,", parse_socketmap), "found:");
  EXPECT_EQ(whole("2:OK,", parse_socketmap), "found:");
  EXPECT_EQ(whole("9:NOTFOUND ,", parse_socketmap), "not found");
  EXPECT_EQ(whole("9:TEMP busy,", parse_socketmap), "failed:temporary error: busy");
  EXPECT_EQ(whole("12:TIMEOUT slow,", parse_socketmap), "failed:timeout error: slow");
  EXPECT_EQ(whole("5:PERM ,", parse_socketmap), "failed:permanent error");
  EXPECT_EQ(whole("4:WHAT,", parse_socketmap), "failed:unknown error");
}

TEST(SocketmapProtocol, RefusesWhatIsNoReply) {
  EXPECT_EQ(shown(parse_socketmap("OK value")), "broken: input format error: OK value");
  EXPECT_EQ(shown(parse_socketmap(":")), "broken: input format error: :");
  EXPECT_EQ(shown(parse_socketmap("3:OK x")), "broken: input format error: 3:OK x");
  EXPECT_EQ(shown(parse_socketmap("3:OK ,9:NOTFOUND ,")), "broken: input format error: 3:OK ,9:NOTFOUND ,");
  EXPECT_EQ(shown(parse_socketmap("0000000000")), "broken: input format error: 0000000000");
}

TEST(SocketmapProtocol, LimitsTheReply) {
  EXPECT_EQ(shown(parse_socketmap("20:OK " + std::string(17, 'x') + ",")), "found:" + std::string(17, 'x'));
  EXPECT_EQ(shown(parse_socketmap("21:")), "broken: input exceeds size limit");
}

Parsed parse_get(std::string_view received) { return memcache::parse_get(received, {.line = 30, .data = 10}); }
Parsed parse_set(std::string_view received) { return memcache::parse_set(received, {.line = 30, .data = 10}); }

TEST(MemcacheProtocol, WritesRequests) {
  EXPECT_EQ(memcache::get("k"), "get k\r\n");
  EXPECT_EQ(memcache::set("k", 1, 60, "v\r\nw"), "set k 1 60 4\r\nv\r\nw\r\n");
}

TEST(MemcacheProtocol, KnowsWhatCanBeAKey) {
  EXPECT_TRUE(memcache::is_key("user@example.com"));
  EXPECT_TRUE(memcache::is_key("\xc3\xa4"));
  EXPECT_FALSE(memcache::is_key(""));
  EXPECT_FALSE(memcache::is_key("a b"));
  EXPECT_FALSE(memcache::is_key("a\r\nset x 0 0 1\r\n1"));
  EXPECT_FALSE(memcache::is_key("a\x7f"));
}

TEST(MemcacheProtocol, ReadsReplies) {
  EXPECT_EQ(whole("VALUE k 0 5\r\nvalue\r\nEND\r\n", parse_get), "found:value");
  EXPECT_EQ(whole("VALUE k 0 5\r\na\r\nb\n\r\nEND\r\n", parse_get), "found:a\r\nb\n");
  EXPECT_EQ(whole("END\r\n", parse_get), "not found");
  EXPECT_EQ(whole("STORED\r\n", parse_set), "found:");
  EXPECT_EQ(whole("NOT_STORED\r\n", parse_set), "failed:NOT_STORED");
}

TEST(MemcacheProtocol, RefusesWhatIsNoReply) {
  EXPECT_EQ(shown(parse_get("ERROR\r\n")), "broken: unexpected memcache server reply: ERROR");
  EXPECT_EQ(shown(parse_get("VALUE k 0 -1\r\n")), "broken: unexpected memcache server reply: VALUE k 0 -1");
  EXPECT_EQ(shown(parse_get("VALUE k 0 1\r\nab")), "broken: unexpected memcache server reply: VALUE k 0 1");
  EXPECT_EQ(shown(parse_get("VALUE k 0 1\r\na\r\nEND\r\nEND\r\n")),
            "broken: unexpected memcache server reply: VALUE k 0 1");
  EXPECT_EQ(shown(parse_get("END\r\nEND\r\n")), "broken: unexpected memcache server reply: END??");
}

TEST(MemcacheProtocol, LimitsLinesAndData) {
  EXPECT_EQ(shown(parse_get("VALUE k 0 10\r\n0123456789\r\nEND\r\n")), "found:0123456789");
  EXPECT_EQ(shown(parse_get("VALUE k 0 11\r\n")), "broken: unexpected memcache server reply: VALUE k 0 11");
  EXPECT_EQ(shown(parse_get(std::string(30, 'x'))), "more");
  EXPECT_EQ(shown(parse_get(std::string(31, 'x'))), "broken: reply line too long: " + std::string(31, 'x'));
}

}  // namespace
}  // namespace waypost::tables
