// The spool's files when a command that runs as root writes them: they belong to $mail_owner, as the daemon's own do.
#pragma once

#include <optional>

#include "daemon/privileges.h"
#include "spool/posix_file_system.h"
#include "tools/context.h"

namespace waypost::tools {

class OwnedFiles final : public spool::FileSystem {
 public:
  explicit OwnedFiles(std::optional<daemon::Owner> owner) : owner_(owner) {}

  Result<std::unique_ptr<spool::File>> create(const std::string& path) override;
  Result<std::unique_ptr<spool::File>> open(const std::string& path) override { return files_.open(path); }
  Result<std::unique_ptr<spool::File>> open_to_read(const std::string& path) override {
    return files_.open_to_read(path);
  }
  Result<> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<> unlink(const std::string& path) override { return files_.unlink(path); }
  Result<> make_directory(const std::string& path) override;
  Result<std::vector<spool::DirectoryEntry>> list(const std::string& directory) override {
    return files_.list(directory);
  }
  Result<> sync_directory(const std::string& directory) override { return files_.sync_directory(directory); }
  Result<spool::VolumeSpace> space(const std::string& directory) override { return files_.space(directory); }
  Result<std::unique_ptr<spool::FileLock>> lock(const std::string& path) override;

 private:
  Result<> give(const std::string& path) const;

  const std::optional<daemon::Owner> owner_;
  spool::PosixFileSystem files_;
};

// $mail_owner when this process is root; nullopt: files stay the caller's.
Result<std::optional<daemon::Owner>> spool_owner(const Context& context);

}  // namespace waypost::tools
