#include "postfix_queue/record.h"

#include <gtest/gtest.h>

namespace waypost::postfix_queue {
namespace {

std::string record(RecordType type, std::string_view data) {
  std::string out;
  put_record(out, type, data);
  return out;
}

// Everything that next() gives, as letter and data; "!" and the error at its end.
std::vector<std::string> read_all(std::string_view bytes) {
  const StringSource source(bytes);
  RecordReader reader(source);
  std::vector<std::string> out;
  while (true) {
    const auto next = reader.next();
    if (!next) {
      out.push_back("!" + next.error().text);
      return out;
    }
    if (!*next) return out;
    out.push_back((*next)->type + (*next)->data);
  }
}

TEST(Record, LengthsAreCodedInSevenBits) {
  EXPECT_EQ(record(RecordType::line, "abc"), std::string("N\x03") + "abc");
  EXPECT_EQ(record(RecordType::message, ""), std::string("M\0", 2));
  EXPECT_EQ(record(RecordType::line, std::string(127, 'x')).substr(0, 2), "N\x7f");
  EXPECT_EQ(record(RecordType::line, std::string(128, 'x')).substr(0, 3), "N\x80\x01");
  EXPECT_EQ(record(RecordType::line, std::string(20'000, 'x')).substr(0, 4), "N\xa0\x9c\x01");
}

TEST(RecordReader, ReadsWhatWasWritten) {
  const std::string long_line(200'000, 'y');
  const auto bytes =
      record(RecordType::sender, "a@b") + record(RecordType::line, long_line) + record(RecordType::end, "");
  EXPECT_EQ(read_all(bytes), (std::vector<std::string>{"Sa@b", "N" + long_line, "E"}));
}

TEST(RecordReader, FollowsPointersAndPassesOverPadding) {
  // 0: pointer to 30; 17: sender (the way back); 22: end; 24: padding; 30: recipient; 35: pointer to 17
  const auto bytes = record(RecordType::pointer, "             30") + record(RecordType::sender, "a@b") +
                     record(RecordType::end, "") + record(RecordType::padding, "0000") +
                     record(RecordType::recipient, "c@d") + record(RecordType::pointer, "             17");
  const StringSource source(bytes);
  RecordReader reader(source);
  std::string types;
  for (int i = 0; i < 3; ++i) types.push_back((*reader.next())->type);
  EXPECT_EQ(types, "RSE");
}

TEST(RecordReader, APointerToNowhereIsNoPointer) {
  EXPECT_EQ(read_all(record(RecordType::pointer, "              0") + record(RecordType::end, "")),
            (std::vector<std::string>{"E"}));
}

TEST(RecordReader, EndsAWalkInACircle) {
  const auto bytes = record(RecordType::end, "") + record(RecordType::line, "x") + record(RecordType::pointer, "2");
  const StringSource source(bytes);
  RecordReader reader(source);
  int read = 0;
  while (reader.next() && read < 1000) ++read;
  EXPECT_LT(read, 10);
}

TEST(RecordReader, NamesWhatIsWrongAndWhere) {
  const auto ok = record(RecordType::sender, "a@b");
  EXPECT_EQ(read_all(ok + "N").back(), "!the file ends within a record at offset 5");
  EXPECT_EQ(read_all(ok + "N\x05" + "abc").back(), "!the file ends within a record at offset 5");
  EXPECT_EQ(read_all(ok + "N\x0b" + "abc").back(), "!an impossible record length at offset 5");
  EXPECT_EQ(read_all(ok + "N\xff\xff\xff\xff\x01").back(), "!a record length of too many bytes at offset 5");
  EXPECT_EQ(read_all(record(RecordType::pointer, "999")).back(), "!a pointer that leads nowhere at offset 0");
  EXPECT_EQ(read_all(record(RecordType::pointer, "-1")).back(), "!a pointer that leads nowhere at offset 0");
}

}  // namespace
}  // namespace waypost::postfix_queue
