// What can be set about the spool.
#pragma once

#include <chrono>
#include <cstdint>

namespace waypost::spool {

struct SpoolSettings {
  // Both are made smaller on a small volume: see fit_to_volume.
  std::uint64_t segment_size_bytes = std::uint64_t{64} << 20;
  std::uint64_t reclaim_floor_bytes = std::uint64_t{512} << 20;  // below it nothing is copied to save space
  std::uint64_t reclaim_ratio = 3;                               // above it: log bytes to live bytes
  std::uint64_t batch_bytes = std::uint64_t{16} << 20;           // of one write and sync
  std::uint64_t dirty_bytes = std::uint64_t{8} << 20;            // written without a sync at most
  std::chrono::microseconds gather_time{1000};                   // a crowd's first commit waits for others at most
  std::chrono::milliseconds dirty_time{1000};                    // and for so long
  std::chrono::milliseconds retry_time{1000};     // between attempts to make a segment when the disk is full
  std::chrono::milliseconds idle_time{10'000};    // nothing written: then spare segments are given back
  std::chrono::milliseconds sidecar_delay{2000};  // most segments are dead before they are worth an index
  unsigned spare_segments = 4;                    // kept for recycling under load
};

inline constexpr std::uint64_t kMinSegmentSize = std::uint64_t{64} << 10;
inline constexpr std::uint64_t kMaxSegmentSize = std::uint64_t{1} << 31;  // offsets are 32 bits

// A volume of 256 MB gets segments of 8 MB and a floor of 64 MB.
SpoolSettings fit_to_volume(SpoolSettings settings, std::uint64_t volume_bytes);

}  // namespace waypost::spool
