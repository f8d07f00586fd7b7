#include "spool/fault_file_system.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace waypost::spool {

namespace {

constexpr std::size_t kSector = 512;
constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;

std::unexpected<Error> not_there(const std::string& path) { return fail(Errc::not_found, path + ": not there"); }

}  // namespace

class FaultFileSystem::FaultFile final : public File {
 public:
  FaultFile(FaultFileSystem& files, InodePtr inode, std::string path)
      : files_(files), inode_(std::move(inode)), path_(std::move(path)) {}

  Result<> write(std::span<iovec> pieces, std::uint64_t offset) override {
    std::string bytes;
    for (const iovec& piece : pieces) bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    const std::lock_guard lock(files_.mutex_);
    if (auto fault = files_.fault(Call::write, path_)) {
      // Any part may have arrived: half of it did.
      std::ignore = files_.write_inode(*inode_, std::string_view(bytes).substr(0, bytes.size() / 2), offset);
      return *fault;
    }
    return files_.write_inode(*inode_, bytes, offset);
  }

  Result<std::size_t> read(std::span<char> into, std::uint64_t offset) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto fault = files_.fault(Call::read, path_)) return *fault;
    if (offset >= inode_->seen.size()) return 0;
    const std::size_t size = std::min<std::uint64_t>(into.size(), inode_->seen.size() - offset);
    std::memcpy(into.data(), inode_->seen.data() + offset, size);
    return size;
  }

  Result<> sync() override {
    std::chrono::microseconds delay{0};
    {
      const std::lock_guard lock(files_.mutex_);
      delay = files_.sync_delay_;
    }
    if (delay.count() > 0) std::this_thread::sleep_for(delay);
    const std::lock_guard lock(files_.mutex_);
    if (auto fault = files_.fault(Call::sync, path_)) {
      // As Linux does it: the pages count as clean afterwards, read back as written, and never reach the disk.
      inode_->unsynced.clear();
      return *fault;
    }
    return files_.sync_inode(*inode_);
  }

  Result<> allocate(std::uint64_t size) override {
    const std::lock_guard lock(files_.mutex_);
    if (auto fault = files_.fault(Call::allocate, path_)) return *fault;
    if (size <= inode_->seen.size()) return {};
    return files_.write_inode(*inode_, std::string(size - inode_->seen.size(), '\0'), inode_->seen.size());
  }

  Result<std::uint64_t> size() override {
    const std::lock_guard lock(files_.mutex_);
    return inode_->seen.size();
  }

 private:
  FaultFileSystem& files_;
  InodePtr inode_;
  std::string path_;
};

FaultFileSystem::FaultFileSystem() : space_{kPlenty, kPlenty} {}

std::optional<std::unexpected<Error>> FaultFileSystem::fault(Call call, const std::string& path) {
  ++calls_[call];
  if (fail_in_ == 0 || (matches_ && !matches_(call))) return std::nullopt;
  if (fail_in_ > 1) {
    --fail_in_;
    return std::nullopt;
  }
  if (--fail_times_ == 0) fail_in_ = 0;
  return fail(fail_code_, fmt::format("{}: the test made this call fail", path));
}

void FaultFileSystem::observe(const Event& event) {
  if (observer_) observer_(event);
}

void FaultFileSystem::put(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size(), '\0');
  content.replace(offset, bytes.size(), bytes);
}

Result<> FaultFileSystem::write_inode(Inode& inode, std::string_view bytes, std::uint64_t offset) {
  if (offset + bytes.size() > inode.seen.size()) {
    std::uint64_t total = offset + bytes.size() - inode.seen.size();
    for (const auto& entry : names_) total += entry.second->seen.size();
    if (total > capacity_) return fail(Errc::no_space, "the test's disk is full");
  }
  put(inode.seen, offset, bytes);
  inode.unsynced.push_back({offset, std::string(bytes)});
  observe({Call::write, inode.number, offset, std::string(bytes), {}, {}});
  return {};
}

Result<> FaultFileSystem::sync_inode(Inode& inode) {
  if (sync_is_a_lie_) return {};
  for (const Write& write : inode.unsynced) put(inode.durable, write.offset, write.bytes);
  inode.unsynced.clear();
  observe({Call::sync, inode.number, 0, {}, {}, {}});
  return {};
}

void FaultFileSystem::change_names(std::vector<NameChange> changes) {
  for (const NameChange& change : changes) {
    if (change.inode)
      names_[change.path] = change.inode;
    else
      names_.erase(change.path);
  }
  unsynced_names_.push_back(std::move(changes));
}

Result<std::unique_ptr<File>> FaultFileSystem::create(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (auto fault = this->fault(Call::create, path)) return *fault;
  if (names_.contains(path)) return fail(Errc::exists, path + ": is there already");
  auto inode = std::make_shared<Inode>();
  inode->number = next_inode_++;
  inodes_[inode->number] = inode;
  change_names({{path, inode}});
  observe({Call::create, inode->number, 0, {}, path, {}});
  return std::make_unique<FaultFile>(*this, inode, path);
}

Result<std::unique_ptr<File>> FaultFileSystem::open_inode(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (auto fault = this->fault(Call::open, path)) return *fault;
  const auto found = names_.find(path);
  if (found == names_.end()) return not_there(path);
  return std::make_unique<FaultFile>(*this, found->second, path);
}

Result<std::unique_ptr<File>> FaultFileSystem::open(const std::string& path) { return open_inode(path); }
Result<std::unique_ptr<File>> FaultFileSystem::open_to_read(const std::string& path) { return open_inode(path); }

Result<> FaultFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (auto fault = this->fault(Call::rename, from)) return *fault;
  const auto found = names_.find(from);
  if (found == names_.end()) return not_there(from);
  const InodePtr inode = found->second;
  change_names({{from, nullptr}, {to, inode}});
  observe({Call::rename, 0, 0, {}, from, to});
  return {};
}

Result<> FaultFileSystem::unlink(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (auto fault = this->fault(Call::unlink, path)) return *fault;
  if (!names_.contains(path)) return not_there(path);
  change_names({{path, nullptr}});
  observe({Call::unlink, 0, 0, {}, path, {}});
  return {};
}

Result<> FaultFileSystem::make_directory(const std::string&) { return {}; }

Result<std::vector<DirectoryEntry>> FaultFileSystem::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (auto fault = this->fault(Call::list, directory)) return *fault;
  const std::string prefix = directory + "/";
  std::vector<DirectoryEntry> entries;
  for (const auto& [path, inode] : names_) {
    if (!path.starts_with(prefix) || path.find('/', prefix.size()) != std::string::npos) continue;
    entries.push_back({path.substr(prefix.size()), inode->seen.size()});
  }
  return entries;
}

Result<> FaultFileSystem::sync_directory(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  if (auto fault = this->fault(Call::sync_directory, directory)) return *fault;
  if (sync_is_a_lie_) return {};
  durable_names_ = names_;
  unsynced_names_.clear();
  observe({Call::sync_directory, 0, 0, {}, directory, {}});
  return {};
}

Result<VolumeSpace> FaultFileSystem::space(const std::string&) {
  const std::lock_guard lock(mutex_);
  return space_;
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::lock(const std::string& path) {
  class Held final : public FileLock {
   public:
    Held(FaultFileSystem& files, std::string name) : files_(files), name_(std::move(name)) {}
    ~Held() override {
      const std::lock_guard guard(files_.mutex_);
      files_.locks_.erase(name_);
    }

   private:
    FaultFileSystem& files_;
    std::string name_;
  };
  const std::lock_guard guard(mutex_);
  if (!locks_.emplace(path, true).second) return fail(Errc::exists, path + " is locked: process 1 uses this spool");
  return std::make_unique<Held>(*this, path);
}

void FaultFileSystem::fail_call(std::uint64_t nth, Errc code, std::function<bool(Call)> matches, std::uint64_t times) {
  const std::lock_guard lock(mutex_);
  fail_in_ = nth;
  fail_code_ = code;
  fail_times_ = times;
  matches_ = std::move(matches);
}

void FaultFileSystem::clear_failures() { fail_call(0, Errc::io); }

void FaultFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void FaultFileSystem::set_volume(VolumeSpace space) {
  const std::lock_guard lock(mutex_);
  space_ = space;
}

void FaultFileSystem::set_sync_is_a_lie(bool lie) {
  const std::lock_guard lock(mutex_);
  sync_is_a_lie_ = lie;
}

void FaultFileSystem::set_sync_delay(std::chrono::microseconds delay) {
  const std::lock_guard lock(mutex_);
  sync_delay_ = delay;
}

void FaultFileSystem::set_observer(std::function<void(const Event&)> observer) {
  const std::lock_guard lock(mutex_);
  observer_ = std::move(observer);
}

void FaultFileSystem::apply(const Event& event) {
  switch (event.call) {
    case Call::create: {
      const std::lock_guard lock(mutex_);
      auto inode = std::make_shared<Inode>();
      inode->number = event.inode;
      inodes_[event.inode] = inode;
      change_names({{event.path, inode}});
      return;
    }
    case Call::write: {
      const std::lock_guard lock(mutex_);
      std::ignore = write_inode(*inodes_.at(event.inode), event.bytes, event.offset);
      return;
    }
    case Call::sync: {
      const std::lock_guard lock(mutex_);
      std::ignore = sync_inode(*inodes_.at(event.inode));
      return;
    }
    case Call::rename:
      std::ignore = rename(event.path, event.path2);
      return;
    case Call::unlink:
      std::ignore = unlink(event.path);
      return;
    case Call::sync_directory:
      std::ignore = sync_directory(event.path);
      return;
    default:
      return;
  }
}

// Turns what is durable into what is seen, with some of the rest.
void FaultFileSystem::lose(Inode& inode, Loss loss, std::mt19937_64& random) {
  std::string content = inode.durable;
  const std::size_t writes = inode.unsynced.size();
  const std::size_t torn = writes == 0 ? 0 : random() % writes;
  for (std::size_t i = 0; i < writes && loss != Loss::all; ++i) {
    const Write& write = inode.unsynced[i];
    if (loss == Loss::torn_tail && i > torn) break;
    if (loss == Loss::nothing || (loss == Loss::torn_tail && i < torn)) {
      put(content, write.offset, write.bytes);
    } else if (loss == Loss::torn_tail) {
      put(content, write.offset, std::string_view(write.bytes).substr(0, random() % (write.bytes.size() + 1)));
    } else {
      for (std::size_t at = 0; at < write.bytes.size();) {
        const std::size_t size = std::min(kSector - (write.offset + at) % kSector, write.bytes.size() - at);
        if (random() % 2 == 0) put(content, write.offset + at, std::string_view(write.bytes).substr(at, size));
        at += size;
      }
    }
  }
  inode.seen = inode.durable = std::move(content);
  inode.unsynced.clear();
}

std::unique_ptr<FaultFileSystem> FaultFileSystem::after_power_cut(Loss loss, std::mt19937_64& random) const {
  auto left = std::make_unique<FaultFileSystem>();
  const std::lock_guard lock(mutex_);
  left->space_ = space_;
  left->next_inode_ = next_inode_;
  // The journal keeps changes of names in order, so some first part of them has arrived.
  auto names = durable_names_;
  std::size_t arrived = unsynced_names_.size();
  if (loss == Loss::all) arrived = 0;
  if (loss == Loss::torn_tail || loss == Loss::sectors) arrived = random() % (unsynced_names_.size() + 1);
  for (std::size_t i = 0; i < arrived; ++i)
    for (const NameChange& change : unsynced_names_[i]) {
      if (change.inode)
        names[change.path] = change.inode;
      else
        names.erase(change.path);
    }
  std::map<const Inode*, InodePtr> copies;
  for (const auto& [path, inode] : names) {
    InodePtr& copy = copies[inode.get()];
    if (!copy) {
      copy = std::make_shared<Inode>(*inode);
      lose(*copy, loss, random);
      left->inodes_[copy->number] = copy;
    }
    left->names_[path] = copy;
  }
  left->durable_names_ = left->names_;
  return left;
}

std::vector<std::string> FaultFileSystem::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> paths;
  paths.reserve(names_.size());
  for (const auto& entry : names_) paths.push_back(entry.first);
  return paths;
}

std::string FaultFileSystem::content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path);
  return found == names_.end() ? std::string() : found->second->seen;
}

void FaultFileSystem::set_content(const std::string& path, std::string content) {
  const std::lock_guard lock(mutex_);
  auto inode = std::make_shared<Inode>();
  inode->number = next_inode_++;
  inode->seen = inode->durable = std::move(content);
  inodes_[inode->number] = inode;
  names_[path] = inode;
  durable_names_ = names_;
  unsynced_names_.clear();
}

std::uint64_t FaultFileSystem::calls() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& entry : calls_) sum += entry.second;
  return sum;
}

std::uint64_t FaultFileSystem::calls(Call call) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(call);
  return found == calls_.end() ? 0 : found->second;
}

std::uint64_t FaultFileSystem::bytes_in_files() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& entry : names_) sum += entry.second->seen.size();
  return sum;
}

}  // namespace waypost::spool
