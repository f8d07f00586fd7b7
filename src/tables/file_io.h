// Reading table files whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace waypost::tables {

inline constexpr std::size_t kMaxTableFileBytes = std::size_t{4} << 30;

// Blocking. Errc::not_found when there is no such file, else Errc::io or Errc::invalid (not a regular file or pipe,
// too large). The text is the reason alone: "No such file or directory".
Result<std::string> read_whole_file(const std::string& path);

enum class FileLock : std::uint8_t { flock, fcntl };

inline constexpr std::chrono::milliseconds kLockWait{1000};

// The same under a shared lock: postmap(1) holds an exclusive one while it writes a database in place.
// Errc::unavailable when the lock does not come within kLockWait; on an io thread, at once.
Result<std::string> read_locked_file(const std::string& path, FileLock lock);

}  // namespace waypost::tables
