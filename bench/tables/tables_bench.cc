// How fast a lookup table answers, and what it costs: opens it, asks it for the keys of a file over and over. Prints
// one line of figures.
//
//   tables-bench TYPE:NAME KEYS [SECONDS [THREADS]]
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "tables/registry.h"

namespace {

using namespace waypost;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kRound = 64;  // lookups between two looks at the clock

double resident_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

double peak_mb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](timeval time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::vector<std::string> read_lines(const char* path) {
  std::vector<std::string> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Counts {
  std::atomic<std::uint64_t> lookups{0}, hits{0}, failures{0};
};

// Asks for the keys, beginning at `start`, until the time is over.
void ask(const tables::Table& table, const std::vector<std::string>& keys, std::size_t start, Steady::time_point until,
         Counts& counts) {
  std::uint64_t lookups = 0, hits = 0, failures = 0;
  for (std::size_t at = start; Steady::now() < until;) {
    for (std::size_t i = 0; i < kRound; ++i, ++lookups, at = at + 1 == keys.size() ? 0 : at + 1) {
      const auto found = table.find(keys[at]);
      if (!found) ++failures;
      if (found && *found) ++hits;
    }
  }
  counts.lookups += lookups;
  counts.hits += hits;
  counts.failures += failures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: tables-bench TYPE:NAME KEYS [SECONDS [THREADS]]\n");
    return 64;
  }
  const auto keys = read_lines(argv[2]);
  const int seconds = argc > 3 ? std::atoi(argv[3]) : 3;
  const std::size_t threads = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 1;
  if (keys.empty() || threads == 0) return 1;
  NullLog log;
  const SystemClock clock;
  tables::TableRegistry registry(Log(log, "tables-bench", 1), clock);
  const double before_mb = resident_mb();
  const double opening = cpu_seconds();
  const auto table = registry.open(argv[1]);
  const double load_seconds = cpu_seconds() - opening;
  for (const auto& problem : registry.problems()) {
    std::fprintf(stderr, "%s\n", problem.c_str());
    return 1;
  }
  const double table_mb = resident_mb() - before_mb, load_peak_mb = peak_mb() - before_mb;
  Counts counts;
  const double begin_seconds = cpu_seconds();
  const auto until = Steady::now() + std::chrono::seconds(seconds);
  {
    std::vector<std::jthread> running;
    for (std::size_t i = 0; i < threads; ++i) {
      running.emplace_back([&, i] { ask(*table, keys, keys.size() / threads * i, until, counts); });
    }
  }
  const auto lookups = static_cast<double>(counts.lookups);
  std::printf("load %.2f s, %.0f MB (at most %.0f MB while loading), %.0f lookups a CPU s, %.1f %% found, %lu failed\n",
              load_seconds, table_mb, load_peak_mb, lookups / (cpu_seconds() - begin_seconds),
              100 * static_cast<double>(counts.hits) / lookups, counts.failures.load());
  return 0;
}
