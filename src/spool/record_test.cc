#include "spool/record.h"

#include <gtest/gtest.h>

#include "spool/crc32c.h"
#include "spool/settings.h"

namespace waypost::spool {
namespace {

TEST(Crc32c, KnownValues) {
  // RFC 3720 appendix B.4, and the usual check value.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

TEST(Crc32c, BothWaysGiveTheSame) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(crc32c(bytes), crc32c_portable(bytes)) << i;
    EXPECT_EQ(crc32c(bytes, crc32c("before")), crc32c_portable("before" + bytes)) << i;
    bytes.push_back(static_cast<char>(i * 37));
  }
}

RecordHeader some_header() {
  RecordHeader header;
  header.type = RecordType::commit;
  header.flags = kSurvivorFlag;
  header.segment = 0x01020304;
  header.nonce = 0xa0b0c0d0;
  header.sequence = 1ULL << 40;
  header.durable = 77;
  header.id = UINT64_MAX;
  header.part = 3;
  header.meta_size = 10;
  header.progress_size = 20;
  header.body_size = 30;
  header.meta_sum = 1;
  header.body_sum = 2;
  return header;
}

TEST(Record, HeaderRoundTrip) {
  const HeaderBytes bytes = encode(some_header());
  const auto header = decode_header({bytes.data(), bytes.size()});
  ASSERT_TRUE(header);
  EXPECT_EQ(encode(*header), bytes);
  EXPECT_EQ(header->record_size(), kRecordHeaderSize + 60);
  EXPECT_EQ(header->nonce, 0xa0b0c0d0);
}

TEST(Record, EveryFlippedBitOfAHeaderIsNoticed) {
  HeaderBytes bytes = encode(some_header());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_header({bytes.data(), bytes.size()})) << bit;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST(Record, NamesOfSegments) {
  EXPECT_EQ(segment_name(0x42), "0000000000000042.seg");
  EXPECT_EQ(parse_name("0000000000000042.seg", kSegmentSuffix), 0x42U);
  EXPECT_EQ(parse_name("FFFFFFFFFFFFFFFF.seg", kSegmentSuffix), std::nullopt);
  EXPECT_EQ(parse_name("0000000000000000.seg", kSegmentSuffix), std::nullopt);
  EXPECT_EQ(parse_name("0000000000000042.idx", kSegmentSuffix), std::nullopt);
  EXPECT_EQ(parse_name("42.seg", kSegmentSuffix), std::nullopt);
}

TEST(Record, SmallPayloads) {
  const SegmentStart start{1 << 26, 500, 7};
  EXPECT_EQ(decode_segment_start(encode(start))->sequence_floor, 500U);
  EXPECT_FALSE(decode_segment_start(encode(start) + "x"));
  EXPECT_EQ(decode_abort(encode(AbortMark{3, 8192})), (AbortMark{3, 8192}));
  const std::vector<std::uint32_t> segments{1, 300, UINT32_MAX};
  EXPECT_EQ(decode_removal(encode_removal(segments)), segments);
  EXPECT_FALSE(decode_removal("\x80"));
}

TEST(Settings, ASmallVolumeGetsSmallSegments) {
  const SpoolSettings large = fit_to_volume({}, std::uint64_t{1} << 40);
  EXPECT_EQ(large.segment_size_bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(large.reclaim_floor_bytes, std::uint64_t{512} << 20);
  const SpoolSettings small = fit_to_volume({}, std::uint64_t{256} << 20);
  EXPECT_EQ(small.segment_size_bytes, std::uint64_t{8} << 20);
  EXPECT_EQ(small.reclaim_floor_bytes, std::uint64_t{64} << 20);
}

}  // namespace
}  // namespace waypost::spool
