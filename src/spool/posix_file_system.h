// The machine's own file system. Stateless, any thread.
#pragma once

#include "spool/file_system.h"

namespace waypost::spool {

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> create(const std::string& path) override;
  Result<std::unique_ptr<File>> open(const std::string& path) override;
  Result<std::unique_ptr<File>> open_to_read(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> unlink(const std::string& path) override;
  Result<> make_directory(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& directory) override;
  Result<> sync_directory(const std::string& directory) override;
  Result<VolumeSpace> space(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
};

}  // namespace waypost::spool
