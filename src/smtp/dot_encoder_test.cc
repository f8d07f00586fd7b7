#include "smtp/dot_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "smtp/data_decoder.h"

namespace waypost::smtp {
namespace {

std::string encode(std::string_view content, std::size_t cut) {
  DotEncoder encoder;
  std::string out;
  for (; !content.empty(); content.remove_prefix(std::min(cut, content.size()))) {
    const std::string piece(content.substr(0, cut));
    encoder.encode(piece, out);
  }
  encoder.finish(out);
  return out;
}

TEST(DotEncoder, EncodesHoweverTheContentIsCut) {
  const struct {
    std::string_view content, wire;
  } cases[] = {
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {".\r\n", "..\r\n.\r\n"},
      {".a\r\n..\r\nb.\r\n", "..a\r\n...\r\nb.\r\n.\r\n"},
      {"a\r", "a \r\n.\r\n"},
      {"a\rb\nc\r\n", "a b c\r\n.\r\n"},
      {"a\n.\nb\r\n", "a . b\r\n.\r\n"},
      {"\r\n.\r\n", "\r\n..\r\n.\r\n"},
  };
  for (const auto& c : cases) {
    for (std::size_t cut = 1; cut <= c.content.size() + 1; ++cut) EXPECT_EQ(encode(c.content, cut), c.wire) << cut;
  }
}

TEST(DotEncoder, KeepsALoneCrWhenTold) {
  for (const std::string_view content : {"a\rb\r\n", "a\r\r\n", "a\r.\r\n.\r\n", "a\r"}) {
    DotEncoder encoder(StrayCr::keep), replacing;
    std::string kept, replaced;
    encoder.encode(content, kept);
    encoder.finish(kept);
    replacing.encode(content, replaced);
    replacing.finish(replaced);
    EXPECT_NE(kept, replaced);
    ASSERT_EQ(kept.size(), replaced.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_TRUE(kept[i] == replaced[i] || (kept[i] == '\r' && replaced[i] == ' ')) << i;
    }
  }
}

TEST(DotEncoder, SaysWhenContentNeedsNoEncoding) {
  for (const std::string_view plain : {"", "a", "a\r\n", "a\r\nb.\r\n"}) {
    EXPECT_TRUE(is_transparent(plain));
    EXPECT_EQ(std::string(plain) + std::string(end_of_data(plain)), encode(plain, 100));
  }
  for (const std::string_view other : {".", "a\r\n.", "a\r", "a\n", "a\rb"}) EXPECT_FALSE(is_transparent(other));
}

TEST(DotEncoder, DecoderReadsBackWhatItWrote) {
  for (const std::string_view content : {"", "\r\n", ".\r\n", "a\r\n.\r\n..\r\n", "x.\r\n\r\n.y\r\n"}) {
    const std::string wire = encode(content, 3);
    DataDecoder decoder;
    std::string_view in = wire;
    std::string out;
    for (bool done = false; !done;) {
      ASSERT_FALSE(in.empty());
      const auto step = decoder.next(in);
      out += step.piece;
      in.remove_prefix(step.consumed);
      done = step.done;
    }
    EXPECT_EQ(out, content);
    EXPECT_TRUE(in.empty());
  }
}

}  // namespace
}  // namespace waypost::smtp
