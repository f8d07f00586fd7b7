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

TEST(QueueIdSource, NeverRepeatsANumber) {
  QueueIdSource source(0x1000);
  const WallTime now{Duration{1'700'000'000'123'456}};
  EXPECT_EQ(source.next(now).text(), "1E2401000");
  EXPECT_EQ(source.next(now).text(), "1E2401001");
}

}  // namespace
}  // namespace waypost
