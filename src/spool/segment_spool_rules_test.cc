// The rules of the log one by one: what outlives what, what is refused, what is found after damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <map>
#include <thread>

#include "spool/catalogue.h"
#include "spool/fault_file_system.h"
#include "spool/posix_file_system.h"
#include "spool/record.h"
#include "spool/recovery.h"
#include "spool/segment_spool.h"

namespace waypost::spool {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSegment = 64 << 10;

SpoolSettings small_settings() {
  SpoolSettings settings;
  settings.segment_size_bytes = kSegment;
  settings.reclaim_floor_bytes = 4 * kSegment;
  settings.retry_time = 10ms;
  settings.sidecar_delay = 0ms;
  return settings;
}

SegmentPtr segment(std::uint32_t number) {
  auto segment = std::make_shared<Segment>();
  segment->number = number;
  segment->size = kSegment;
  return segment;
}

std::vector<std::uint32_t> erase(Catalogue& catalogue, QueueId id) {
  std::vector<std::uint32_t> targets;
  catalogue.erase(id, [&](std::vector<std::uint32_t> named) { targets = std::move(named); });
  return targets;
}

TEST(Catalogue, ARemovalKeepsItsSegmentAsLongAsItsTarget) {
  Catalogue catalogue;
  for (std::uint32_t number : {1, 2}) {
    catalogue.add_segment(segment(number));
    catalogue.seal(number);
  }
  catalogue.insert(QueueId(0, 1), {1, 4096, 100}, {});
  catalogue.insert(QueueId(0, 2), {1, 4196, 100}, {});
  const auto targets = erase(catalogue, QueueId(0, 1));
  EXPECT_EQ(targets, std::vector<std::uint32_t>{1});
  catalogue.add_targets(2, targets);
  bool read = false;
  EXPECT_FALSE(catalogue.can_drop(2, read));  // nothing lives in it, but its removal record is needed
  EXPECT_FALSE(erase(catalogue, QueueId(0, 2)).empty());
  EXPECT_TRUE(catalogue.can_drop(1, read));
  catalogue.drop(1);
  EXPECT_TRUE(catalogue.can_drop(2, read));
}

TEST(Catalogue, ARemovalNamesTheSegmentsThatAreBeingEmptied) {
  Catalogue catalogue;
  for (std::uint32_t number : {1, 2, 3}) catalogue.add_segment(segment(number));
  catalogue.insert(QueueId(0, 1), {1, 4096, 100}, {{3, 4096, 50}});
  catalogue.mark_emptying(1);
  EXPECT_TRUE(catalogue.relocate(QueueId(0, 1), {1, 4096, 100}, {2, 8192, 100}, {}));
  EXPECT_EQ(erase(catalogue, QueueId(0, 1)), (std::vector<std::uint32_t>{2, 1, 3}));
}

TEST(Catalogue, ACopyOfARemovedMessageIsReported) {
  Catalogue catalogue;
  for (std::uint32_t number : {1, 2}) catalogue.add_segment(segment(number));
  catalogue.insert(QueueId(0, 1), {1, 4096, 100}, {});
  ASSERT_FALSE(erase(catalogue, QueueId(0, 1)).empty());
  EXPECT_FALSE(catalogue.relocate(QueueId(0, 1), {1, 4096, 100}, {2, 8192, 100}, {}));
  EXPECT_EQ(catalogue.totals().live_bytes, 0U);
}

TEST(Catalogue, ANewerStateIsNotOverwrittenByAMergedOne) {
  Catalogue catalogue;
  for (std::uint32_t number : {1, 2, 3}) catalogue.add_segment(segment(number));
  const QueueId id(0, 1);
  catalogue.insert(id, {1, 4096, 100}, {});
  catalogue.set_progress(id, {1, 5000, 30});
  catalogue.set_progress(id, {3, 6000, 40});  // while the older one was being merged into a copy
  EXPECT_TRUE(catalogue.relocate(id, {1, 4096, 100}, {2, 8192, 130}, {1, 5000, 30}));
  EXPECT_EQ(catalogue.find(id)->progress->place, (Place{3, 6000, 40}));
  EXPECT_EQ(catalogue.totals().live_bytes, 170U);
}

TEST(Catalogue, TakesLessThanAHundredBytesAMessage) {
  EXPECT_LE(sizeof(Place), 12U);
  // Key and entry, in a map that is between 7/16 and 7/8 full, with one byte of metadata for each slot.
  EXPECT_LE((8 + 2 * sizeof(Place) + 1) * 16 / 7, 100U);
}

class Rules : public testing::Test {
 protected:
  void open(SpoolSettings settings = small_settings()) {
    spool_.reset();
    auto opened = open_spool("/spool", settings, files_, Log(log_, "postfix/qmgr", 1));
    ASSERT_TRUE(opened) << opened.error().text;
    spool_ = std::move(*opened);
    found_.clear();
    auto report = spool_->scan([&](StoredMessage message) { found_[message.envelope.id] = std::move(message); });
    ASSERT_TRUE(report) << report.error().text;
    report_ = *report;
  }
  Result<> commit(std::uint64_t number, std::size_t size, std::size_t recipients = 1) {
    const QueueId id(0, number);
    mail::Envelope envelope;
    envelope.id = id;
    envelope.recipients.resize(recipients);
    for (auto& recipient : envelope.recipients) recipient.address = "someone@example.net";
    std::promise<Result<>> answer;
    auto future = answer.get_future();
    auto incoming = spool_->begin(id);
    incoming->commit(envelope, std::make_shared<const std::string>(size, static_cast<char>('a' + number % 26)),
                     [&](Result<> result) { answer.set_value(std::move(result)); });
    return future.get();
  }
  bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  void await_reserve() {
    ASSERT_TRUE(eventually([&] { return spool_->counters().ready_bytes >= 2 * kSegment; }));
  }

  FaultFileSystem files_;
  CapturingLog log_;
  std::unique_ptr<SegmentSpool> spool_;
  std::map<QueueId, StoredMessage> found_;
  ScanReport report_;
};

TEST_F(Rules, ABadSidecarIsReplacedByTheSegment) {
  open();
  for (std::uint64_t i = 1; i <= 10; ++i) ASSERT_TRUE(commit(i, 1000));
  spool_.reset();
  int damaged = 0;
  for (const std::string& path : files_.paths()) {
    if (!path.ends_with(".idx")) continue;
    std::string bytes = files_.content(path);
    bytes[bytes.size() / 2] ^= 1;
    files_.set_content(path, bytes);
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  open();
  EXPECT_EQ(found_.size(), 10U);
  EXPECT_FALSE(report_.notes.empty());
  EXPECT_EQ(report_.quarantined_records, 0U);
}

TEST_F(Rules, DamagedContentIsReportedByTheReadThatReachesTheEnd) {
  open();
  ASSERT_TRUE(commit(1, 5000));
  spool_.reset();
  for (const std::string& path : files_.paths()) {
    std::string bytes = files_.content(path);
    const auto at = bytes.find(std::string(100, 'b'));
    if (!path.ends_with(".seg") || at == std::string::npos) continue;
    bytes[at + 2000] ^= 1;
    files_.set_content(path, bytes);
  }
  open();
  ASSERT_EQ(found_.size(), 1U);  // the sidecar vouches for the envelope
  auto reader = spool_->open(QueueId(0, 1));
  ASSERT_TRUE(reader);
  EXPECT_TRUE((*reader)->read(0, 3000));
  const auto rest = (*reader)->read(3000, 3000);
  ASSERT_FALSE(rest);
  EXPECT_EQ(rest.error().code, Errc::corrupt);
}

TEST_F(Rules, AReaderKeepsWhatItReads) {
  open();
  ASSERT_TRUE(commit(1, 5000));
  auto reader = spool_->open(QueueId(0, 1));
  ASSERT_TRUE(reader);
  spool_->remove(QueueId(0, 1));
  for (std::uint64_t i = 2; i <= 200; ++i) {
    ASSERT_TRUE(commit(i, 8000));
    spool_->remove(QueueId(0, i));
  }
  EXPECT_TRUE(eventually([&] { return spool_->counters().reclaimed_segments > 10; }));
  EXPECT_EQ(*(*reader)->read(0, 10'000), std::string(5000, 'b'));
}

TEST_F(Rules, AnEnvelopeLargerThanASegmentIsRefusedAndTheNextIsNot) {
  open();
  const auto refused = commit(1, 10, 10'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_TRUE(commit(2, 10));
}

TEST_F(Rules, AWholeMessageLargerThanASegmentIsTakenInPieces) {
  open();
  ASSERT_TRUE(commit(1, 5 * kSegment));
  EXPECT_EQ(spool_->load(QueueId(0, 1))->size, 5 * kSegment);
  spool_.reset();
  open();
  auto reader = spool_->open(QueueId(0, 1));
  ASSERT_TRUE(reader);
  EXPECT_EQ(*(*reader)->read(0, 10 * kSegment), std::string(5 * kSegment, 'b'));
}

TEST_F(Rules, AFailedSegmentIsEmptiedAndNeverSyncedAgain) {
  open();
  ASSERT_TRUE(commit(1, 1000));
  await_reserve();
  files_.fail_call(1, Errc::io, [](Call call) { return call == Call::sync; });
  EXPECT_FALSE(commit(2, 1000));
  EXPECT_TRUE(log_.contains("its segment is closed"));
  EXPECT_TRUE(commit(3, 1000));
  // The survivor is copied out of it, and the segment is removed, not used again.
  EXPECT_TRUE(eventually([&] { return spool_->counters().reclaimed_segments == 1; }));
  spool_.reset();
  open();
  EXPECT_EQ(found_.size(), 2U);
}

TEST_F(Rules, AnUnfinishedUploadKeepsItsSegments) {
  open();
  auto incoming = spool_->begin(QueueId(0, 999'999));
  std::promise<Result<>> appended;
  incoming->append(std::make_shared<const std::string>(10'000, 'x'),
                   [&](Result<> result) { appended.set_value(std::move(result)); });
  ASSERT_TRUE(appended.get_future().get());
  for (std::uint64_t i = 1; i <= 200; ++i) {
    ASSERT_TRUE(commit(i, 8000));
    spool_->remove(QueueId(0, i));
  }
  EXPECT_TRUE(eventually([&] { return spool_->counters().reclaimed_segments > 10; }));
  std::promise<Result<>> committed;
  mail::Envelope envelope;
  incoming->commit(envelope, std::make_shared<const std::string>("y"),
                   [&](Result<> result) { committed.set_value(std::move(result)); });
  ASSERT_TRUE(committed.get_future().get());
  EXPECT_EQ(*(*spool_->open(QueueId(0, 999'999)))->read(0, 20'000), std::string(10'000, 'x') + "y");
}

TEST_F(Rules, NumbersNeverGoBackWhenTheSpoolIsEmpty) {
  open();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(commit(i, 8000));
    spool_->remove(QueueId(0, i));
  }
  EXPECT_TRUE(eventually([&] { return spool_->counters().log_bytes <= 2 * kSegment; }));
  spool_.reset();
  open();
  EXPECT_TRUE(found_.empty());
  EXPECT_EQ(report_.next_number, 101U);
}

TEST_F(Rules, ToolsReadWhileTheSpoolIsOpen) {
  open();
  for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(commit(i, 100));
  const auto before = files_.paths();
  Recovery recovery(files_, "/spool", RecoveryMode::look);
  ASSERT_TRUE(recovery.run());
  EXPECT_EQ(recovery.ids().size(), 5U);
  // The spool itself may have finished a spare segment meanwhile; the reader took nothing away and quarantined nothing.
  const auto after = files_.paths();
  for (const auto& path : before) {
    if (path.ends_with(".seg")) EXPECT_THAT(after, testing::Contains(path));
  }
  EXPECT_THAT(after, testing::Each(testing::AnyOf(testing::EndsWith(".seg"), testing::EndsWith(".tmp"),
                                                  testing::EndsWith(".idx"))));
}

TEST(PosixFileSystemTest, TheLockNamesItsHolder) {
  char directory[] = "/tmp/waypost-spool-test-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string folder = directory;
  PosixFileSystem files;
  {
    NullLog log;
    auto spool = open_spool(folder, small_settings(), files, Log(log, "postfix/qmgr", 1));
    ASSERT_TRUE(spool);
    const auto second = open_spool(folder, small_settings(), files, Log(log, "postfix/qmgr", 1));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().text.find(std::to_string(::getpid())), std::string::npos) << second.error().text;
    ASSERT_TRUE((*spool)->scan([](StoredMessage) {}));
    std::promise<Result<>> answer;
    (*spool)->begin(QueueId(0, 1))->commit({}, std::make_shared<const std::string>("body"), [&](Result<> result) {
      answer.set_value(std::move(result));
    });
    ASSERT_TRUE(answer.get_future().get());
    EXPECT_EQ(*(*(*spool)->open(QueueId(0, 1)))->read(0, 10), "body");
  }
  const auto entries = files.list(folder);
  ASSERT_TRUE(entries);
  for (const DirectoryEntry& entry : *entries) EXPECT_TRUE(files.unlink(folder + "/" + entry.name));
  EXPECT_EQ(files.open(folder + "/gone").error().code, Errc::not_found);
  EXPECT_EQ(::rmdir(directory), 0);
}

}  // namespace
}  // namespace waypost::spool
