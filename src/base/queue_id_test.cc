#include "base/queue_id.h"

#include <gtest/gtest.h>

namespace waypost {
namespace {

TEST(QueueId, PrintsAndParsesPostfixShortForm) {
  const QueueId id(0xB23C5, 0x606);
  EXPECT_EQ(id.text(), "B23C5606");
  EXPECT_EQ(QueueId::parse("B23C5606"), id);
}

TEST(QueueId, RefusesWhatItWouldNotPrint) {
  for (const char* bad : {"", "B23C5", "b23c5606", "B23C5006", "FFFFF1", "B23C5G", "B23C5FFFFFFFFFFFF", "ALL"}) {
    EXPECT_FALSE(QueueId::parse(bad)) << bad;
  }
}

TEST(QueueId, PrintsAndParsesTheLongForm) {
  const WallTime when{Duration{1'700'000'000'123'456}};
  const QueueId id = QueueId::first_long(when);
  EXPECT_TRUE(id.is_long());
  EXPECT_EQ(id.number(), 0U);
  EXPECT_EQ(id.text(), "4SVLCh0sf8z10");
  EXPECT_EQ(QueueId::parse(id.text()), id);
  EXPECT_EQ(QueueId::from_bits(id.bits() + 127).text().size(), id.text().size());
  EXPECT_EQ(QueueId::from_bits(id.bits() + 128), QueueId::first_long(when + Duration{1}));
}

TEST(QueueId, RefusesLongFormsThatItWouldNotPrint) {
  // Too short, too long, a vowel, no microsecond, a number without its offset, a number too big, a time too late.
  for (const char* bad : {"4SVLCh0sf8z", "4SVLCh0sf8z1", "4SVLCh0sf8z100", "4SVACh0sf8z10", "4SVLChzzzzz10",
                          "4SVLCh0sf8z0B", "4SVLCh0sf8zyy", "zzzzzz0sf8z10"}) {
    EXPECT_FALSE(QueueId::parse(bad)) << bad;
  }
}

TEST(QueueId, TheLargestShortNameIsNotALongOne) {
  const QueueId largest(999'999, QueueId::kMaxNumber);
  EXPECT_FALSE(largest.is_long());
  EXPECT_EQ(QueueId::parse(largest.text()), largest);
}

TEST(QueueIdSource, LongNamesAreDistinctAndInOrderWhateverTheClockDoes) {
  const WallTime now{Duration{1'700'000'000'123'456}};
  QueueIdSource source(1, QueueId::first_long(now + Duration{5}));
  source.use_long(true);
  QueueId last = source.next(now);
  EXPECT_EQ(last.bits(), QueueId::first_long(now + Duration{5}).bits() + 1);  // above what the spool holds
  for (int i = 0; i < 1000; ++i) {
    const QueueId id = source.next(now - Duration{i});
    EXPECT_LT(last, id);
    last = id;
  }
  EXPECT_EQ(source.next(now + std::chrono::seconds{1}), QueueId::first_long(now + std::chrono::seconds{1}));
}

TEST(QueueIdSource, ReturnsToShortNames) {
  QueueIdSource source(0x1000);
  source.use_long(true);
  EXPECT_TRUE(source.next(WallTime{}).is_long());
  source.use_long(false);
  EXPECT_EQ(source.next(WallTime{}).text(), "000001000");
}

TEST(QueueIdSource, NeverRepeatsANumber) {
  QueueIdSource source(0x1000);
  const WallTime now{Duration{1'700'000'000'123'456}};
  EXPECT_EQ(source.next(now).text(), "1E2401000");
  EXPECT_EQ(source.next(now).text(), "1E2401001");
}

}  // namespace
}  // namespace waypost
