#include "spool/segment_spool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <map>
#include <thread>

#include "spool/fault_file_system.h"
#include "spool/record.h"

namespace waypost::spool {
namespace {

using namespace std::chrono_literals;

constexpr char kDirectory[] = "/spool";

SpoolSettings small_settings() {
  SpoolSettings settings;
  settings.segment_size_bytes = 64 << 10;
  settings.reclaim_floor_bytes = 256 << 10;
  settings.retry_time = 20ms;
  settings.idle_time = 50ms;
  settings.sidecar_delay = 0ms;
  return settings;
}

mail::Envelope envelope(QueueId id, std::size_t recipients = 1) {
  mail::Envelope envelope;
  envelope.id = id;
  envelope.sender = "sender@example.com";
  envelope.helo = "client.example.com";
  for (std::size_t i = 0; i < recipients; ++i) {
    mail::Recipient recipient;
    recipient.address = "r" + std::to_string(i) + "@example.net";
    envelope.recipients.push_back(recipient);
  }
  return envelope;
}

Chunk text(std::string content) { return std::make_shared<const std::string>(std::move(content)); }

std::string body_of(QueueId id, std::size_t size) {
  std::string body;
  while (body.size() < size) body += id.text() + " ";
  body.resize(size);
  return body;
}

Result<> wait_for(const std::function<void(Done)>& start) {
  std::promise<Result<>> answer;
  auto future = answer.get_future();
  start([&](Result<> result) { answer.set_value(std::move(result)); });
  return future.get();
}

class SegmentSpoolTest : public testing::Test {
 protected:
  void open(SpoolSettings settings = small_settings()) {
    spool_.reset();
    auto opened = open_spool(kDirectory, settings, files_, Log(log_, "postfix/qmgr", 1));
    ASSERT_TRUE(opened) << opened.error().text;
    spool_ = std::move(*opened);
    found_.clear();
    auto report = spool_->scan([&](StoredMessage message) { found_[message.envelope.id] = std::move(message); });
    ASSERT_TRUE(report) << report.error().text;
    report_ = *report;
  }
  // As after a power cut that lost everything that was not synced.
  void crash(Loss loss = Loss::all) {
    std::mt19937_64 random(1);
    auto left = files_.after_power_cut(loss, random);
    spool_.reset();
    for (const std::string& path : files_.paths()) ASSERT_TRUE(files_.unlink(path));
    for (const std::string& path : left->paths()) files_.set_content(path, left->content(path));
    open();
  }
  Result<> commit(QueueId id, const std::string& body, std::size_t recipients = 1) {
    auto incoming = spool_->begin(id);
    return wait_for([&](Done done) { incoming->commit(envelope(id, recipients), text(body), std::move(done)); });
  }
  std::string content(QueueId id) {
    auto reader = spool_->open(id);
    if (!reader) return "open: " + reader.error().text;
    std::string all;
    while (all.size() < (*reader)->size()) {
      auto bytes = (*reader)->read(all.size(), 1000);
      if (!bytes) return "read: " + bytes.error().text;
      all += *bytes;
    }
    return all;
  }
  bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 500; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  static QueueId id(std::uint64_t number) { return {static_cast<std::uint32_t>(number * 7 % 1'000'000), number}; }

  FaultFileSystem files_;
  CapturingLog log_;
  std::unique_ptr<SegmentSpool> spool_;
  std::map<QueueId, StoredMessage> found_;
  ScanReport report_;
};

TEST_F(SegmentSpoolTest, KeepsACommittedMessageOverAPowerCut) {
  open();
  ASSERT_TRUE(commit(id(1), "Subject: one\r\n\r\nbody\r\n", 3));
  crash();
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_EQ(found_[id(1)].envelope.sender, "sender@example.com");
  EXPECT_EQ(found_[id(1)].envelope.recipients.size(), 3U);
  EXPECT_EQ(found_[id(1)].size, 22U);
  EXPECT_EQ(content(id(1)), "Subject: one\r\n\r\nbody\r\n");
  EXPECT_EQ(report_.next_number, 2U);
}

TEST_F(SegmentSpoolTest, ForgetsARemovedMessage) {
  open();
  ASSERT_TRUE(commit(id(1), "one"));
  ASSERT_TRUE(commit(id(2), "two"));
  spool_->remove(id(1));
  EXPECT_EQ(spool_->load(id(1)).error().code, Errc::not_found);
  ASSERT_TRUE(spool_->flush());
  crash();
  EXPECT_EQ(found_.size(), 1U);
  EXPECT_EQ(content(id(2)), "two");
  EXPECT_EQ(report_.next_number, 3U);
}

TEST_F(SegmentSpoolTest, KeepsTheLatestDeliveryState) {
  open();
  ASSERT_TRUE(commit(id(1), "one", 2));
  mail::Progress progress;
  for (std::uint32_t attempt = 1; attempt <= 5; ++attempt) {
    progress.attempts = attempt;
    spool_->record(id(1), progress);
    EXPECT_EQ(spool_->load(id(1))->progress.attempts, attempt);
  }
  ASSERT_TRUE(spool_->flush());
  EXPECT_EQ(spool_->load(id(1))->progress.attempts, 5U);
  crash();
  EXPECT_EQ(found_[id(1)].progress.attempts, 5U);
}

TEST_F(SegmentSpoolTest, WritesDeliveryStatesWithoutBeingAskedTo) {
  open();
  ASSERT_TRUE(commit(id(1), "one"));
  mail::Progress progress;
  progress.attempts = 1;
  spool_->record(id(1), progress);
  ASSERT_TRUE(eventually([&] {
    std::mt19937_64 random(1);
    auto left = files_.after_power_cut(Loss::nothing, random);
    for (const std::string& path : left->paths())
      if (left->content(path).find("WPR1") != std::string::npos) return true;
    return false;
  }));
  std::this_thread::sleep_for(10 * kLazyFlush);
  crash(Loss::nothing);
  EXPECT_EQ(found_[id(1)].progress.attempts, 1U);
}

TEST_F(SegmentSpoolTest, OneSyncServesAllWhoWait) {
  open();
  ASSERT_TRUE(commit(id(1), "one"));
  files_.set_sync_delay(20ms);
  const auto before = files_.calls(Call::sync);
  std::vector<std::jthread> sessions;
  for (std::uint64_t i = 2; i < 34; ++i) sessions.emplace_back([&, i] { EXPECT_TRUE(commit(id(i), "body")); });
  sessions.clear();
  EXPECT_LE(files_.calls(Call::sync) - before, 8U);
}

TEST_F(SegmentSpoolTest, StreamsALargeMessage) {
  open();
  const std::string body = body_of(id(1), 300'000);
  auto incoming = spool_->begin(id(1));
  for (std::size_t at = 0; at < 200'000; at += 50'000)
    ASSERT_TRUE(wait_for([&](Done done) { incoming->append(text(body.substr(at, 50'000)), std::move(done)); }));
  ASSERT_TRUE(
      wait_for([&](Done done) { incoming->commit(envelope(id(1)), text(body.substr(200'000)), std::move(done)); }));
  EXPECT_EQ(content(id(1)), body);
  EXPECT_EQ(spool_->load(id(1))->size, body.size());
  crash();
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_EQ(found_[id(1)].size, body.size());
  EXPECT_EQ(content(id(1)), body);
}

TEST_F(SegmentSpoolTest, DropsALargeMessageThatWasAbandoned) {
  open();
  auto incoming = spool_->begin(id(1));
  ASSERT_TRUE(wait_for([&](Done done) { incoming->append(text(std::string(50'000, 'x')), std::move(done)); }));
  incoming.reset();
  ASSERT_TRUE(commit(id(2), "two"));
  crash();
  EXPECT_EQ(found_.size(), 1U);
  EXPECT_EQ(report_.unfinished_messages, 1U);
}

TEST_F(SegmentSpoolTest, GivesDeadSegmentsBackAndUsesThemAgain) {
  open();
  for (std::uint64_t i = 1; i <= 200; ++i) {
    ASSERT_TRUE(commit(id(i), body_of(id(i), 8000)));
    spool_->remove(id(i));
  }
  EXPECT_TRUE(eventually([&] { return spool_->counters().log_bytes <= 3 * (64U << 10); }));
  EXPECT_GT(spool_->counters().reclaimed_segments, 20U);
  EXPECT_EQ(spool_->counters().copied_bytes, 0U);
  ASSERT_TRUE(spool_->flush());
  crash();
  EXPECT_TRUE(found_.empty());
}

TEST_F(SegmentSpoolTest, CopiesSurvivorsForwardWithTheirState) {
  open();
  mail::Progress progress;
  for (std::uint64_t i = 1; i <= 400; ++i) {
    ASSERT_TRUE(commit(id(i), body_of(id(i), 4000)));
    if (i % 20 != 0) {
      spool_->remove(id(i));
    } else {
      progress.attempts = static_cast<std::uint32_t>(i);
      spool_->record(id(i), progress);
    }
  }
  EXPECT_TRUE(eventually([&] { return spool_->counters().log_bytes <= (256U << 10) + 3 * (64U << 10); }));
  EXPECT_GT(spool_->counters().copied_bytes, 0U);
  for (std::uint64_t i = 20; i <= 400; i += 20) EXPECT_EQ(content(id(i)), body_of(id(i), 4000));
  ASSERT_TRUE(spool_->flush());
  crash();
  EXPECT_EQ(found_.size(), 20U);
  for (std::uint64_t i = 20; i <= 400; i += 20) {
    EXPECT_EQ(found_[id(i)].progress.attempts, i);
    EXPECT_EQ(content(id(i)), body_of(id(i), 4000));
  }
}

TEST_F(SegmentSpoolTest, IdleRelayHoldsTwoSegments) {
  open();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(commit(id(i), body_of(id(i), 8000)));
    spool_->remove(id(i));
  }
  EXPECT_TRUE(eventually([&] { return files_.bytes_in_files() <= 2 * (64U << 10) + 4096; })) << files_.bytes_in_files();
}

TEST_F(SegmentSpoolTest, StartsFromSidecarsAfterAnOrderlyStop) {
  open();
  for (std::uint64_t i = 1; i <= 50; ++i) ASSERT_TRUE(commit(id(i), body_of(id(i), 8000)));
  spool_->stop();
  EXPECT_EQ(commit(id(99), "late").error().code, Errc::closed);
  const auto reads = files_.calls(Call::read);
  open();
  EXPECT_EQ(found_.size(), 50U);
  EXPECT_LT(files_.calls(Call::read) - reads, 40U);
  for (std::uint64_t i = 1; i <= 50; ++i) EXPECT_EQ(content(id(i)), body_of(id(i), 8000));
}

TEST_F(SegmentSpoolTest, RefusesWhenTheDiskIsFullAndRecovers) {
  open();
  files_.set_capacity(5 * (64 << 10));
  std::uint64_t i = 1;
  Result<> result;
  for (; i <= 100 && result; ++i) result = commit(id(i), body_of(id(i), 8000));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::no_space);
  EXPECT_FALSE(spool_->space().accepting);
  // Removals still go on, and make room.
  for (std::uint64_t k = 1; k < i - 1; ++k) spool_->remove(id(k));
  ASSERT_TRUE(spool_->flush());
  EXPECT_TRUE(eventually([&] { return spool_->space().accepting; }));
  EXPECT_TRUE(commit(id(1000), "again"));
  crash();
  EXPECT_EQ(found_.size(), 1U);
  EXPECT_EQ(content(id(1000)), "again");
}

TEST_F(SegmentSpoolTest, FailedSyncRefusesAndNeverBringsTheMessageBack) {
  open();
  ASSERT_TRUE(commit(id(1), "one"));
  // So that the call that fails is the commit's own, not one of a segment in the making.
  ASSERT_TRUE(eventually([&] { return spool_->counters().ready_bytes >= 2 * (64U << 10); }));
  files_.fail_call(1, Errc::io, [](Call call) { return call == Call::sync; });
  const auto refused = commit(id(2), "two");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::io);
  EXPECT_TRUE(commit(id(3), "three"));
  EXPECT_TRUE(spool_->space().accepting);
  for (const Loss loss : {Loss::all, Loss::nothing}) {
    crash(loss);
    EXPECT_EQ(found_.size(), 2U);
    EXPECT_FALSE(found_.contains(id(2)));
    EXPECT_EQ(content(id(3)), "three");
  }
}

TEST_F(SegmentSpoolTest, TwoProcessesNeverOpenTheSameSpool) {
  open();
  const auto second = open_spool(kDirectory, small_settings(), files_, Log(log_, "postfix/qmgr", 2));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::exists);
  EXPECT_NE(second.error().text.find("process"), std::string::npos);
}

TEST_F(SegmentSpoolTest, ManySessionsAtOnce) {
  open();
  std::vector<std::jthread> sessions;
  for (std::uint64_t thread = 0; thread < 8; ++thread)
    sessions.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < 60; ++i) {
        const QueueId mine = id(1 + thread * 1000 + i);
        ASSERT_TRUE(commit(mine, body_of(mine, 500 + 90 * i)));
        mail::Progress progress;
        progress.attempts = 1;
        spool_->record(mine, progress);
        EXPECT_EQ(content(mine), body_of(mine, 500 + 90 * i));
        if (i % 3 != 0) spool_->remove(mine);
      }
    });
  sessions.clear();
  ASSERT_TRUE(spool_->flush());
  crash();
  EXPECT_EQ(found_.size(), 8U * 20U);
  for (const auto& [one, message] : found_) {
    EXPECT_EQ(content(one), body_of(one, message.size));
    EXPECT_EQ(message.progress.attempts, 1U);
  }
}

}  // namespace
}  // namespace waypost::spool
