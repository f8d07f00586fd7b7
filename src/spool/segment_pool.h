// Segments that are ready to be written: allocated, zero-filled, named, headed and durable, so that the writer changes
// over without waiting and cannot meet a full disk in the middle of a batch. A thread of its own makes them; dead
// segments come back by recycle(). The last one is the reserve: it goes to take(reserve) only, so that delivery states,
// removals and survivors can still be written when the disk is full. A failure is kept and answered to those who ask
// until the next attempt, `retry_time` later. All functions from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "spool/catalogue.h"
#include "spool/record.h"
#include "spool/settings.h"

namespace waypost::spool {

enum class SegmentUse : std::uint8_t { messages, reserve };

class SegmentPool {
 public:
  // `floors` gives what a new segment's first record says about the counters.
  SegmentPool(FileSystem& files, std::string directory, const SpoolSettings& settings,
              std::function<SegmentStart()> floors, const Log& log);
  ~SegmentPool();

  void start(std::uint32_t next_number, std::vector<SegmentPtr> ready);
  // Blocks while one is being made. Errc::no_space or Errc::io of the last attempt, Errc::closed after stop().
  Result<SegmentPtr> take(SegmentUse use);
  // Waits until one stands ready behind the segment in use; fails as take() does.
  Result<> await_reserve();
  // Gives a dead segment's blocks back: it gets a new name and header, or is removed. On failure it may still be there
  // under its old name.
  Result<> recycle(const Segment& segment, bool reusable);
  // idle: keep one ready; busy: two, and up to spare_segments more that came back.
  void set_idle(bool idle);
  bool failing() const;
  std::uint64_t ready_bytes() const;
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void run();
  Result<> await(std::unique_lock<std::mutex>& lock, std::size_t count);
  Result<SegmentPtr> make();
  Result<> fill(File& file);
  Result<SegmentPtr> head(std::shared_ptr<File> file, std::uint32_t number);
  Result<> remove(const Segment& segment);
  void trim(std::unique_lock<std::mutex>& lock);
  // Whoever waits for one must get it, idle or not.
  std::size_t wanted() const { return idle_ && waiting_ == 0 ? 1 : 2; }
  std::string path(std::string_view name) const;

  FileSystem& files_;
  const std::string directory_;
  const SpoolSettings settings_;
  const std::function<SegmentStart()> floors_;
  const Log log_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SegmentPtr> ready_;
  std::uint32_t next_number_ = 1;
  std::mt19937_64 random_;
  std::optional<Error> failure_;
  Clock::time_point retry_at_;
  unsigned waiting_ = 0;
  bool idle_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace waypost::spool
