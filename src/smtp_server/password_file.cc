#include "smtp_server/password_file.h"

#include <crypt.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::smtp_server {
namespace {

// For users that do not exist: costs what a check costs, and is nobody's.
constexpr const char* kNobodysHash =
    "$6$waypostnobody$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

  Result<std::string> read_all() const {
    std::string out;
    char buffer[8192];
    while (true) {
      const auto n = ::read(fd_, buffer, sizeof buffer);
      if (n == 0) return out;
      if (n < 0 && errno != EINTR) return fail(Errc::unavailable, errno_text(errno));
      if (n > 0) out.append(buffer, static_cast<std::size_t>(n));
      if (out.size() > kMaxPasswordFileBytes) return fail(Errc::unavailable, "file too large");
    }
  }

 private:
  int fd_;
};

// Takes the time that the hash takes, whatever the answer.
bool matches(const std::string& hash, std::string_view password) {
  const auto data = std::make_unique<crypt_data>();
  const std::string text(password);
  const char* computed = ::crypt_r(text.c_str(), hash.c_str(), data.get());
  const std::string_view result = computed != nullptr ? std::string_view(computed) : std::string_view{};
  // crypt(3) answers "*0" for a hash that it does not know.
  const bool equal = result.size() == hash.size() && !result.starts_with('*') &&
                     CRYPTO_memcmp(result.data(), hash.data(), hash.size()) == 0;
  const bool whole = password.find('\0') == std::string_view::npos;  // crypt(3) stops reading there
  OPENSSL_cleanse(data.get(), sizeof *data);
  OPENSSL_cleanse(const_cast<char*>(text.data()), text.size());
  return equal && whole;
}

}  // namespace

Result<bool> PasswordFile::verify(std::string_view user, std::string_view password) {
  const auto known = users();
  if (!known) return std::unexpected(known.error());
  const Users& entries = **known;
  const auto entry = entries.find(user);
  if (entry != entries.end()) return matches(entry->second, password);
  // As slow as the others of this file are.
  const std::string& stand_in = entries.empty() ? kNobodysHash : entries.begin()->second;
  std::ignore = matches(stand_in, password);
  return false;
}

Result<std::shared_ptr<const PasswordFile::Users>> PasswordFile::users() {
  const std::lock_guard lock(mutex_);
  const File file(path_);
  struct stat status{};
  if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0) {
    return fail(Errc::unavailable, fmt::format("open {}: {}", path_, errno_text(errno)));
  }
  const Version version{status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
  if (users_ && version == version_) return users_;
  const auto text = file.read_all();
  if (!text) return fail(Errc::unavailable, fmt::format("read {}: {}", path_, text.error().text));
  auto entries = std::make_shared<Users>();
  for (const auto raw : split(*text, "\r\n")) {
    const auto line = trim(raw);
    const auto colon = line.find(':');
    if (line.starts_with('#') || colon == 0 || colon == std::string_view::npos) continue;
    auto hash = line.substr(colon + 1);
    hash = trim(hash.substr(0, hash.find(':')));
    if (hash.empty() || hash.size() > kMaxHashBytes) continue;
    entries->try_emplace(std::string(line.substr(0, colon)), hash);
  }
  version_ = version;
  users_ = std::move(entries);
  return users_;
}

Result<std::string> hash_password(std::string_view password) {
  char salt[CRYPT_GENSALT_OUTPUT_SIZE];
  if (::crypt_gensalt_rn(nullptr, 0, nullptr, 0, salt, sizeof salt) == nullptr) {
    return fail(Errc::io, fmt::format("no salt: {}", errno_text(errno)));
  }
  const auto data = std::make_unique<crypt_data>();
  const std::string text(password);
  if (text.find('\0') != std::string::npos) return fail(Errc::invalid, "a password cannot hold a NUL");
  const char* computed = ::crypt_r(text.c_str(), salt, data.get());
  if (computed == nullptr || *computed == '*') return fail(Errc::io, "crypt(3) failed");
  std::string out = computed;
  OPENSSL_cleanse(data.get(), sizeof *data);
  OPENSSL_cleanse(const_cast<char*>(text.data()), text.size());
  return out;
}

}  // namespace waypost::smtp_server
