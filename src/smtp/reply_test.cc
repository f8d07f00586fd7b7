#include "smtp/reply.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace waypost::smtp {
namespace {

std::string wire(const Reply& reply) {
  std::string out;
  append_wire(out, reply);
  return out;
}

TEST(Reply, FormatsOneAndManyLines) {
  EXPECT_EQ(wire({250, "2.1.0", "Ok"}), "250 2.1.0 Ok\r\n");
  EXPECT_EQ(wire({220, "", "host ESMTP"}), "220 host ESMTP\r\n");
  EXPECT_EQ(wire({554, "5.7.1", "a\nb\r\n\nc"}), "554-5.7.1 a\r\n554-5.7.1 b\r\n554-5.7.1 \r\n554 5.7.1 c\r\n");
}

TEST(Reply, TextCannotBreakOutOfItsLine) { EXPECT_EQ(wire({250, "2.0.0\r", "a\rb\x01"}), "250 2.0.0? a?b?\r\n"); }

TEST(Reply, CutsALineAtTheLimit) {
  const std::string prefix = "250 2.0.0 ";
  const std::string fits(kMaxReplyLineBytes - 2 - prefix.size(), 'x');
  EXPECT_EQ(wire({250, "2.0.0", fits}), prefix + fits + "\r\n");
  EXPECT_EQ(wire({250, "2.0.0", fits + "y"}), prefix + fits + "\r\n");
}

TEST(Reply, KeepsAtMostSoManyLines) {
  std::string text;
  for (std::size_t i = 0; i < kMaxReplyLines + 5; ++i) text += "x\n";
  const std::string out = wire({250, "", text});
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(out, '\n')), kMaxReplyLines);
  EXPECT_TRUE(out.ends_with("250 x\r\n"));
}

TEST(Reply, ReadsWhatOperatorsWrite) {
  EXPECT_EQ(reply_from_text("550 5.1.1 no such user"), (Reply{550, "5.1.1", "no such user"}));
  EXPECT_EQ(reply_from_text("450  wait"), (Reply{450, "", "wait"}));
  EXPECT_EQ(reply_from_text("554 5.7 x"), (Reply{554, "", "5.7 x"}));
  EXPECT_EQ(reply_from_text("421"), (Reply{421, "", ""}));
  for (const char* bad : {"", "OK", "5504 x", "199 x", "600 x", "5x0 y"})
    EXPECT_EQ(reply_from_text(bad).code, 0) << bad;
}

TEST(Reply, SoftBounceTurnsPermanentIntoTemporary) {
  EXPECT_EQ(soften({554, "5.7.1", "x"}), (Reply{454, "4.7.1", "x"}));
  EXPECT_EQ(soften({250, "2.0.0", "x"}), (Reply{250, "2.0.0", "x"}));
  EXPECT_EQ(to_string(soften({550, "", "x\ny"})), "450 x y");
}

}  // namespace
}  // namespace waypost::smtp
