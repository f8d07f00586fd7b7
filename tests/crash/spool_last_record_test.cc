// The last record of the newest segment truncated, zeroed and bit-flipped at each byte; stale bytes in a recycled
// segment; damage in the middle.
#include <gtest/gtest.h>

#include <future>

#include "spool/record.h"
#include "spool_ledger.h"

namespace waypost::spool::crash {
namespace {

class LastRecord : public testing::Test {
 protected:
  void SetUp() override {
    FaultFileSystem files;
    NullLog log;
    auto spool = open_spool(kDirectory, crash_settings(), files, Log(log, "postfix/qmgr", 1));
    ASSERT_TRUE(spool);
    ASSERT_TRUE((*spool)->scan([](StoredMessage) {}));
    for (std::uint64_t i = 1; i <= 3; ++i) {
      const QueueId id(0, i);
      std::promise<Result<>> answer;
      auto future = answer.get_future();
      auto incoming = (*spool)->begin(id);
      incoming->commit(envelope_of(id), std::make_shared<const std::string>(body_of(id, kSize)),
                       [&](Result<> result) { answer.set_value(std::move(result)); });
      ASSERT_TRUE(future.get());
      expected_.messages[id].size = kSize;
      expected_.messages[id].accepted = true;
    }
    std::mt19937_64 random(1);
    files_ = files.after_power_cut(Loss::all, random);
    (*spool)->stop();
    // The segment with the three records, and where each begins.
    for (const std::string& path : files_->paths()) {
      const std::string bytes = files_->content(path);
      std::vector<std::size_t> starts;
      for (std::size_t at = find_magic(bytes, 0); at != std::string::npos; at = find_magic(bytes, at + 1)) {
        const auto header = decode_header(std::string_view(bytes).substr(at));
        if (header && header->type == RecordType::message) starts.push_back(at);
      }
      if (starts.size() != 3) continue;
      path_ = path;
      bytes_ = bytes;
      starts_ = starts;
      const auto last = decode_header(std::string_view(bytes).substr(starts[2]));
      end_ = starts[2] + last->record_size();
    }
    ASSERT_FALSE(path_.empty());
  }

  // The first two must be there, the third whole or not at all.
  void expect_the_others(const std::string& bytes, const std::string& what) {
    auto expected = expected_;
    expected.messages[QueueId(0, 3)].accepted = false;
    expect(bytes, expected, what);
  }
  void expect(const std::string& bytes, const Expectation& expected, const std::string& what) {
    std::mt19937_64 random(1);
    auto files = files_->after_power_cut(Loss::nothing, random);
    files->set_content(path_, bytes);
    const auto complaints = check(*files, expected, true);
    EXPECT_TRUE(complaints.empty()) << what << ": " << complaints.front();
  }

  static constexpr std::size_t kSize = 300;
  std::unique_ptr<FaultFileSystem> files_;
  Expectation expected_;
  std::string path_, bytes_;
  std::vector<std::size_t> starts_;
  std::size_t end_ = 0;
};

TEST_F(LastRecord, IsThereWhenNothingHappened) { expect(bytes_, expected_, "untouched"); }

TEST_F(LastRecord, TruncatedAtEachByte) {
  for (std::size_t at = starts_[2]; at < end_ && !HasFailure(); ++at)
    expect_the_others(bytes_.substr(0, at), "cut at " + std::to_string(at));
}

TEST_F(LastRecord, ZeroedFromEachByte) {
  for (std::size_t at = starts_[2]; at < end_ && !HasFailure(); ++at) {
    std::string bytes = bytes_;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), '\0');
    expect_the_others(bytes, "zero from " + std::to_string(at));
  }
}

TEST_F(LastRecord, BitFlippedAtEachByte) {
  for (std::size_t at = starts_[2]; at < end_ && !HasFailure(); ++at) {
    std::string bytes = bytes_;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    expect_the_others(bytes, "flipped at " + std::to_string(at));
  }
}

TEST_F(LastRecord, DamageInTheMiddleCostsOneRecordAndIsQuarantined) {
  std::string bytes = bytes_;
  bytes[starts_[1] + 100] ^= 1;
  std::mt19937_64 random(1);
  auto files = files_->after_power_cut(Loss::nothing, random);
  files->set_content(path_, bytes);
  NullLog log;
  auto spool = open_spool(kDirectory, crash_settings(), *files, Log(log, "postfix/qmgr", 1));
  ASSERT_TRUE(spool);
  std::vector<std::uint64_t> found;
  const auto report = (*spool)->scan([&](StoredMessage message) { found.push_back(message.envelope.id.number()); });
  ASSERT_TRUE(report);
  EXPECT_EQ(found, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(report->quarantined_records, 1U);
  EXPECT_FALSE(report->notes.empty());
  bool kept = false;
  for (const std::string& path : files->paths())
    kept |= path.starts_with("/spool/quarantine/") &&
            files->content(path).find(body_of(QueueId(0, 2), 50)) != std::string::npos;
  EXPECT_TRUE(kept);
}

TEST_F(LastRecord, BytesOfAnOlderSegmentNeverPassForNew) {
  // What stands in the segment is put behind itself under another number, as in a segment that was used again.
  std::mt19937_64 random(1);
  auto files = files_->after_power_cut(Loss::nothing, random);
  std::string name = path_;
  name.replace(name.size() - 5, 1, "F");
  files->set_content(name, bytes_);
  const auto complaints = check(*files, expected_, true);
  EXPECT_TRUE(complaints.empty()) << complaints.front();
}

TEST_F(LastRecord, AMailCannotForgeARecord) {
  // A record that a sender could have built with a guessed segment number stands in the gap that damage left.
  RecordHeader forged = *decode_header(std::string_view(bytes_).substr(starts_[1]));
  forged.nonce ^= 1;
  forged.id = QueueId(0, 77).bits();
  std::string bytes = bytes_;
  const HeaderBytes header = encode(forged);
  bytes.replace(starts_[1], header.size(), header.data(), header.size());
  auto expected = expected_;
  expected.messages.erase(QueueId(0, 2));
  auto files = files_->after_power_cut(Loss::nothing, *std::make_unique<std::mt19937_64>(1));
  files->set_content(path_, bytes);
  for (const std::string& complaint : check(*files, expected, true))
    EXPECT_TRUE(complaint.starts_with("quarantine")) << complaint;
}

}  // namespace
}  // namespace waypost::spool::crash
