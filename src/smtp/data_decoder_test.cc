#include "smtp/data_decoder.h"

#include <gtest/gtest.h>

#include <string>

namespace waypost::smtp {
namespace {

struct Decoded {
  std::string content;
  std::string rest;  // what follows the end of data
  bool done = false;
  std::size_t pieces = 0;
  bool bare = false;
};

// Feeds `wire` in reads of `read_size` bytes.
Decoded decode(std::string_view wire, std::size_t read_size, BareNewline policy = BareNewline::normalize,
               StrayCr stray = StrayCr::to_space) {
  DataDecoder decoder(policy, stray);
  Decoded out;
  while (!wire.empty()) {
    // A read of its own, so that a sanitizer sees every look outside it.
    const std::string read(wire.substr(0, read_size));
    wire.remove_prefix(read.size());
    std::string_view in = read;
    while (!in.empty() && !out.done) {
      const auto step = decoder.next(in);
      out.content += step.piece;
      if (!step.piece.empty()) ++out.pieces;
      out.done = step.done;
      in.remove_prefix(step.consumed);
    }
    out.rest += in;
  }
  out.bare = decoder.saw_bare_newline();
  return out;
}

struct Case {
  const char* name;
  std::string_view wire;
  std::string_view content;
  std::string_view rest;
  bool done;
};

constexpr std::string_view operator""_w(const char* text, std::size_t size) { return {text, size}; }

const Case kCases[] = {
    {"empty message", ".\r\n"_w, "", "", true},
    {"one line", "a\r\n.\r\n", "a\r\n", "", true},
    {"commands behind the end are left", "a\r\n.\r\nQUIT\r\n", "a\r\n", "QUIT\r\n", true},
    {"dots are taken off line starts only", "..a.b\r\n.c\r\n...\r\nd..\r\n.\r\n", ".a.b\r\nc\r\n..\r\nd..\r\n", "",
     true},
    {"bare LF ends a line", "a\nb\r\n.\r\n", "a\r\nb\r\n", "", true},
    {"LF.LF does not end", "a\n.\nMAIL FROM:<x>\r\n.\r\n", "a\r\nMAIL FROM:<x>\r\n", "", true},
    {"LF.CRLF does not end", "a\n.\r\nb\r\n.\r\n", "a\r\nb\r\n", "", true},
    {"CRLF.LF does not end", "a\r\n.\nb\r\n.\r\n", "a\r\nb\r\n", "", true},
    {"CRLF.LF then .CRLF does not end", "a\r\n.\n.\r\nb\r\n.\r\n", "a\r\nb\r\n", "", true},
    {"LF.CRLF then .CRLF ends", "a\n.\r\n.\r\nQ", "a\r\n", "Q", true},
    {"CR.CR does not end", "a\r.\rb\r\n.\r\n", "a . b\r\n", "", true},
    {"CRLF.CR does not end", "a\r\n.\rb\r\n.\r\n", "a\r\n b\r\n", "", true},
    {"CR.CRLF does not end", "a\r.\r\nb\r\n.\r\n", "a .\r\nb\r\n", "", true},
    {"CRLF.CRCRLF does not end", "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n \r\nb\r\n", "", true},
    {"CRLF NUL.CRLF does not end", "a\r\n\0.\r\nb\r\n.\r\n"_w, "a\r\n\0.\r\nb\r\n"_w, "", true},
    {"stray CR becomes a blank", "a\rb\r\r\nc\r\n.\r\n", "a b \r\nc\r\n", "", true},
    {"LFCR", "a\n\rb\r\n.\r\n", "a\r\n b\r\n", "", true},
    {"empty lines", "\r\n\r\n\n.\r\n\r\n.\r\n", "\r\n\r\n\r\n\r\n", "", true},
    {"unfinished", "a\r\n.", "a\r\n", "", false},
    {"unfinished CR", "a\r", "a", "", false},
    {"dot and text", ".a\n.b\r\n.\r\n", "a\r\nb\r\n", "", true},
    {"8 bit and NUL pass", "\xc3\xa9\0\xff\r\n.\r\n"_w, "\xc3\xa9\0\xff\r\n"_w, "", true},
};

TEST(DataDecoder, DecodesHoweverTheInputIsCut) {
  for (const Case& c : kCases) {
    for (std::size_t cut = 1; cut <= c.wire.size(); ++cut) {
      const Decoded out = decode(c.wire, cut);
      EXPECT_EQ(out.content, c.content) << c.name << " cut " << cut;
      EXPECT_EQ(out.done, c.done) << c.name << " cut " << cut;
      EXPECT_EQ(out.rest, c.rest) << c.name << " cut " << cut;
    }
  }
}

TEST(DataDecoder, FindsIrregularBytesAtEveryOffsetOfABlock) {
  for (std::size_t offset = 0; offset < 200; ++offset) {
    const std::string pad(offset, 'x');
    EXPECT_EQ(decode(pad + "\ry\r\n.\r\n", 4096).content, pad + " y\r\n") << offset;
    EXPECT_EQ(decode(pad + "\r.y\r\n.\r\n", 4096).content, pad + " .y\r\n") << offset;
    EXPECT_EQ(decode(pad + "\ny\r\n.\r\n", 4096).content, pad + "\r\ny\r\n") << offset;
    EXPECT_EQ(decode(pad + "\r\n..y\r\n.\r\n", 4096).content, pad + "\r\n.y\r\n") << offset;
    EXPECT_EQ(decode(pad + ".\r\n.\r\nQ", 4096).rest, offset == 0 ? ".\r\nQ" : "Q") << offset;
  }
}

TEST(DataDecoder, CanonicalContentIsOnePieceARead) {
  std::string wire;
  for (int i = 0; i < 200; ++i) wire += "The quick brown fox jumps over the lazy dog. And again, and again.\r\n";
  const Decoded out = decode(wire + ".\r\n", 1 << 16);
  EXPECT_TRUE(out.done);
  EXPECT_EQ(out.pieces, 1U);
  EXPECT_EQ(out.content, wire);
  EXPECT_FALSE(out.bare);
}

TEST(DataDecoder, NotesBareNewlines) {
  EXPECT_TRUE(decode("a\nb\r\n.\r\n", 100).bare);
  EXPECT_TRUE(decode("a\r\n.\nb\r\n.\r\n", 100).bare);
  EXPECT_FALSE(decode("a\rb\r\n.\r\n", 100).bare);
}

TEST(DataDecoder, ModeNoEndsAtAnyLoneDot) {
  for (const std::string_view wire : {"a\n.\nQ", "a\n.\r\nQ", "a\r\n.\nQ", "a\r\n.\r\nQ"}) {
    for (std::size_t cut = 1; cut < wire.size(); ++cut) {
      const Decoded out = decode(wire, cut, BareNewline::no);
      EXPECT_TRUE(out.done);
      EXPECT_EQ(out.content, "a\r\n");
      EXPECT_EQ(out.rest, "Q");
    }
  }
}

TEST(DataDecoder, KeepsStrayCrWhenAsked) {
  EXPECT_EQ(decode("a\rb\r\r\n.\r\n", 3, BareNewline::normalize, StrayCr::keep).content, "a\rb\r\r\n");
}

TEST(DataDecoder, NothingThatComesOutCanEndAMessageElsewhere) {
  // All strings of length 7 over the bytes that matter: canonical output never has a CR or LF alone.
  constexpr std::string_view kBytes = "\r\n.a";
  for (unsigned code = 0; code < 16384; ++code) {
    std::string wire;
    for (unsigned k = 0, rest = code; k < 7; ++k, rest /= 4) wire += kBytes[rest % 4];
    const std::string content = decode(wire, 7).content;
    EXPECT_EQ(content, decode(wire, 1).content) << code;
    for (std::size_t i = 0; i < content.size(); ++i) {
      const bool lf_alone = content[i] == '\n' && (i == 0 || content[i - 1] != '\r');
      const bool cr_alone = content[i] == '\r' && (i + 1 == content.size() || content[i + 1] != '\n');
      ASSERT_FALSE(lf_alone || (cr_alone && i + 1 < content.size())) << code;
    }
  }
}

}  // namespace
}  // namespace waypost::smtp
