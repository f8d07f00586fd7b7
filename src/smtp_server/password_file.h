// A file of users and crypt(3) hashes, one "user:hash" a line; "#" begins a comment line. What follows a second ':' is
// ignored, so that passwd-like files do.
//
// verify() blocks (hashing is made to be slow; the file is read again when it changed): never on an io thread. Its time
// does not tell whether a user exists. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::smtp_server {

inline constexpr std::size_t kMaxPasswordFileBytes = 16 << 20;
inline constexpr std::size_t kMaxHashBytes = 384;  // CRYPT_OUTPUT_SIZE of libxcrypt

class PasswordFile {
 public:
  explicit PasswordFile(std::string path) : path_(std::move(path)) {}

  // Errc::unavailable: the file cannot be read (say "try again later").
  Result<bool> verify(std::string_view user, std::string_view password);

  const std::string& path() const { return path_; }

 private:
  using Users = std::map<std::string, std::string, std::less<>>;
  struct Version {
    ino_t inode = 0;
    std::int64_t size = -1, seconds = 0, nanoseconds = 0;
    bool operator==(const Version&) const = default;
  };

  Result<std::shared_ptr<const Users>> users();

  const std::string path_;
  std::mutex mutex_;
  Version version_;
  std::shared_ptr<const Users> users_;
};

// A salted hash for a new entry, by the system's preferred method (yescrypt or SHA-512).
Result<std::string> hash_password(std::string_view password);

}  // namespace waypost::smtp_server
