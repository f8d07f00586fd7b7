// How fast the spool takes messages, and what that costs: N sessions in closed loop, each commits a message, waits for
// it, removes an earlier one. Prints one line of figures.
//
//   spool-bench DIRECTORY SESSIONS [SECONDS [BYTES]]
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/queue_id.h"
#include "spool/posix_file_system.h"
#include "spool/segment_spool.h"

namespace {

using namespace waypost;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kWarmUpIds = 1'000'000'000;
constexpr std::size_t kKeptPerRun = 2000;  // messages that wait for their delivery at any time

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Bytes that went to the disk of `path`, by anybody: give the spool a volume of its own.
double written_bytes(const char* path) {
  struct stat status{};
  if (::stat(path, &status) != 0) return 0;
  constexpr int kSectorsWritten = 7;
  constexpr double kSectorBytes = 512;
  std::ifstream in("/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" +
                   std::to_string(minor(status.st_dev)) + "/stat");
  double value = 0;
  for (int field = 0; field < kSectorsWritten && in >> value;) ++field;
  return value * kSectorBytes;
}

// Sessions as they are in the relay: each goes on when its commit is done, on one thread that serves all of them.
class Load {
 public:
  Load(spool::SegmentSpool& spool, std::size_t sessions, std::size_t bytes, std::uint64_t first)
      : spool_(spool), sessions_(sessions), body_(std::make_shared<const std::string>(bytes, 'x')), next_(first) {
    envelope_.sender = "sender@example.com";
    envelope_.client_name = "client.example.com";
    envelope_.client_address = "192.0.2.1";
    envelope_.protocol = "ESMTP";
    envelope_.recipients.resize(1);
    envelope_.recipients[0].address = "recipient@example.net";
  }

  void run(std::chrono::seconds time) {
    const auto end = Steady::now() + time;
    std::size_t busy = 0;
    for (; busy < sessions_; ++busy) begin();
    while (busy > 0) {
      std::vector<Finished> finished;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return !finished_.empty(); });
        finished.swap(finished_);
      }
      const auto now = Steady::now();
      for (const Finished& one : finished) {
        latencies_.push_back(std::chrono::duration<float, std::milli>(one.at - one.begun).count());
        queued_.push_back(one.id);
        if (queued_.size() > kKeptPerRun) {
          spool_.remove(queued_.front());
          queued_.pop_front();
        }
        if (now < end)
          begin();
        else
          --busy;
      }
    }
  }
  std::vector<float>& latencies() { return latencies_; }
  std::uint64_t failures() const { return failures_; }

 private:
  struct Finished {
    QueueId id;
    Steady::time_point begun, at;
  };

  void begin() {
    const QueueId id(0, next_++);
    const auto begun = Steady::now();
    envelope_.id = id;
    spool_.begin(id)->commit(envelope_, body_, [this, id, begun](Result<> result) {
      if (!result) ++failures_;
      const std::lock_guard lock(mutex_);
      finished_.push_back({id, begun, Steady::now()});
      if (finished_.size() == 1) ready_.notify_one();
    });
  }

  spool::SegmentSpool& spool_;
  const std::size_t sessions_;
  const spool::Chunk body_;
  mail::Envelope envelope_;
  std::uint64_t next_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Finished> finished_;
  std::vector<float> latencies_;
  std::deque<QueueId> queued_;
  std::atomic<std::uint64_t> failures_{0};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: spool-bench DIRECTORY SESSIONS [SECONDS [BYTES]]\n");
    return 64;
  }
  const auto sessions = std::strtoul(argv[2], nullptr, 10);
  const auto seconds = argc > 3 ? std::atoi(argv[3]) : 5;
  const auto bytes = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 10240;
  spool::PosixFileSystem files;
  NullLog log;
  auto spool = spool::open_spool(argv[1], {}, files, Log(log, "spool-bench", 1));
  if (!spool || !(*spool)->scan([](spool::StoredMessage) {})) {
    std::fprintf(stderr, "%s cannot be opened\n", argv[1]);
    return 1;
  }
  // Warm up until the segments are recycled, as they are in a relay that has run for a while.
  Load(**spool, 50, bytes, 1).run(std::chrono::seconds(2));
  Load load(**spool, sessions, bytes, kWarmUpIds);
  const auto before = (*spool)->counters();
  const double cpu = cpu_seconds(), disk = written_bytes(argv[1]);
  const auto begun = Steady::now();
  load.run(std::chrono::seconds(seconds));
  const double took = std::chrono::duration<double>(Steady::now() - begun).count();
  const double used = cpu_seconds() - cpu, wrote = written_bytes(argv[1]) - disk;
  const auto after = (*spool)->counters();
  auto& latencies = load.latencies();
  std::sort(latencies.begin(), latencies.end());
  const auto count = static_cast<double>(latencies.size());
  const auto at = [&](double part) { return latencies[static_cast<std::size_t>((count - 1) * part)]; };
  std::printf(
      "sessions %3lu: %7.0f msg/s, p50 %.2f p99 %.2f max %.1f ms, %.1f us CPU/msg, %.2f written/byte, %.3f syncs/msg, "
      "%lu copied, %lu failed, log %lu MB\n",
      sessions, count / took, static_cast<double>(at(0.5)), static_cast<double>(at(0.99)),
      static_cast<double>(latencies.back()), used / count * 1e6, wrote / (count * static_cast<double>(bytes)),
      static_cast<double>(after.syncs - before.syncs) / count, after.copied_bytes - before.copied_bytes,
      load.failures(), after.log_bytes >> 20);
  return 0;
}
