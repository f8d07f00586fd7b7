// The content of a message for its delivery: from the buffer that it arrived in while memory allows, else from the
// spool.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/queue_id.h"
#include "delivery/agent.h"
#include "spool/spool.h"

namespace waypost::daemon {

// Makes bodies, and bounds how many bytes of them stay in memory for first attempts. Any thread; outlives its bodies.
class Bodies {
 public:
  static constexpr std::uint64_t kCacheLimit = 64 << 20;

  explicit Bodies(spool::Spool& spool, std::uint64_t cache_limit = kCacheLimit)
      : spool_(spool), cache_limit_(cache_limit) {}

  // `content` may be null. It is kept only while the limit is not reached.
  std::shared_ptr<delivery::BodySource> make(QueueId id, std::uint64_t size, spool::Chunk content);
  std::uint64_t cached_bytes() const { return cached_.load(std::memory_order_relaxed); }

 private:
  class Body;
  spool::Spool& spool_;
  const std::uint64_t cache_limit_;
  std::atomic<std::uint64_t> cached_{0};
};

}  // namespace waypost::daemon
