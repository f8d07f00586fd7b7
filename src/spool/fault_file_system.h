// A file system in memory that forgets, tears and refuses: for tests of the engine. It keeps apart what a reader sees
// now and what a power cut would leave: a write is durable once a sync of its file returned, a name once its directory
// was synced. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "spool/file_system.h"

namespace waypost::spool {

enum class Call : std::uint8_t { create, open, write, read, sync, allocate, rename, unlink, list, sync_directory };

// One call that changed something, as a recording keeps it.
struct Event {
  Call call = Call::write;
  std::uint64_t inode = 0;
  std::uint64_t offset = 0;
  std::string bytes;        // write
  std::string path, path2;  // create, rename, unlink
};

// What is left of the writes that were not synced when the power goes.
enum class Loss : std::uint8_t {
  nothing,    // all of them arrived (a killed process)
  all,        // none did
  torn_tail,  // all up to some byte of one of them, nothing of what came later
  sectors,    // any subset of their sectors, in any order
};

class FaultFileSystem final : public FileSystem {
 public:
  FaultFileSystem();

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

  // Faults. The n-th call from now on (1: the next) that `matches` fails with `code`, and so do `times - 1` more.
  void fail_call(std::uint64_t nth, Errc code, std::function<bool(Call)> matches = {}, std::uint64_t times = 1);
  void clear_failures();
  // As many bytes as all files together may have; a write that would need more fails with Errc::no_space.
  void set_capacity(std::uint64_t bytes);
  void set_volume(VolumeSpace space);
  // sync and sync_directory answer success and do nothing: a test that does not notice proves nothing.
  void set_sync_is_a_lie(bool lie);
  void set_sync_delay(std::chrono::microseconds delay);

  // Recording and playing back.
  void set_observer(std::function<void(const Event&)> observer);
  void apply(const Event& event);
  // What a machine would find after a power cut now.
  std::unique_ptr<FaultFileSystem> after_power_cut(Loss loss, std::mt19937_64& random) const;

  // For tests that look at or damage files by themselves.
  std::vector<std::string> paths() const;
  std::string content(const std::string& path) const;
  void set_content(const std::string& path, std::string content);
  std::uint64_t calls() const;
  std::uint64_t calls(Call call) const;
  std::uint64_t bytes_in_files() const;

 private:
  struct Write {
    std::uint64_t offset = 0;
    std::string bytes;
  };
  struct Inode {
    std::uint64_t number = 0;
    std::string seen, durable;
    std::vector<Write> unsynced;
  };
  using InodePtr = std::shared_ptr<Inode>;
  struct NameChange {
    std::string path;
    InodePtr inode;  // null: removed
  };
  class FaultFile;

  std::optional<std::unexpected<Error>> fault(Call call, const std::string& path);
  void observe(const Event& event);
  void change_names(std::vector<NameChange> changes);
  static void put(std::string& content, std::uint64_t offset, std::string_view bytes);
  static void lose(Inode& inode, Loss loss, std::mt19937_64& random);
  Result<> write_inode(Inode& inode, std::string_view bytes, std::uint64_t offset);
  Result<> sync_inode(Inode& inode);
  Result<std::unique_ptr<File>> open_inode(const std::string& path);

  mutable std::mutex mutex_;
  std::map<std::string, InodePtr> names_, durable_names_;
  std::vector<std::vector<NameChange>> unsynced_names_;
  std::map<std::uint64_t, InodePtr> inodes_;  // by number, for playing back
  std::uint64_t next_inode_ = 1;
  std::map<std::string, bool> locks_;
  std::function<void(const Event&)> observer_;

  std::function<bool(Call)> matches_;
  std::uint64_t fail_in_ = 0, fail_times_ = 0;
  Errc fail_code_ = Errc::io;
  std::uint64_t capacity_ = UINT64_MAX;
  VolumeSpace space_;
  bool sync_is_a_lie_ = false;
  std::chrono::microseconds sync_delay_{0};
  std::map<Call, std::uint64_t> calls_;
};

}  // namespace waypost::spool
