#include "tables/cdb_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kTables = 256, kPairBytes = 8, kHeaderBytes = kTables * kPairBytes;
constexpr std::uint64_t kMaxFileBytes = UINT32_MAX;
constexpr mode_t kFileMode = 0644;  // before the umask

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

void append_u32(std::string& bytes, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xff);
}

std::uint32_t hash_of(std::string_view key) {
  std::uint32_t hash = 5381;
  for (const char c : key) hash = (hash << 5) + hash ^ static_cast<std::uint8_t>(c);
  return hash;
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Errc::corrupt, fmt::format("damaged database: {}", what));
}

// The records end where the first of the hash tables begins.
Result<std::size_t> end_of_records(std::string_view bytes) {
  std::size_t end = bytes.size();
  bool has_slots = false;
  for (std::size_t i = 0; i < kTables; ++i) {
    const std::uint64_t position = read_u32(bytes, i * kPairBytes), slots = read_u32(bytes, i * kPairBytes + 4);
    if (slots == 0) continue;
    if (position < kHeaderBytes || position + slots * kPairBytes > bytes.size()) {
      return damaged("a hash table is not within the file");
    }
    end = std::min<std::size_t>(end, position);
    has_slots = true;
  }
  return has_slots ? end : kHeaderBytes;
}

class CdbWriter final : public DatabaseWriter {
 public:
  CdbWriter(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {
    bytes_.resize(kHeaderBytes);
  }

  Result<> put(std::string_view key, std::string_view value) override {
    if (bytes_.size() + key.size() + value.size() + 3 * kPairBytes > kMaxFileBytes)
      return failed("error writing", EFBIG);
    if (!keys_.emplace(key).second) return {};
    const std::uint32_t hash = hash_of(key);
    slots_[hash % kTables].push_back({hash, static_cast<std::uint32_t>(bytes_.size())});
    append_u32(bytes_, static_cast<std::uint32_t>(key.size()));
    append_u32(bytes_, static_cast<std::uint32_t>(value.size()));
    bytes_.append(key).append(value);
    return {};
  }

  Result<> finish() override {
    for (std::size_t i = 0; i < kTables; ++i) {
      std::string pair;
      append_u32(pair, static_cast<std::uint32_t>(bytes_.size()));
      append_u32(pair, static_cast<std::uint32_t>(slots_[i].size() * 2));
      bytes_.replace(i * kPairBytes, kPairBytes, pair);
      append_table(slots_[i]);
      if (bytes_.size() > kMaxFileBytes) return failed("finish database", EFBIG);
    }
    for (std::string_view rest = bytes_; !rest.empty();) {
      const ssize_t n = ::write(file_.get(), rest.data(), rest.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("finish database", errno);
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fsync(file_.get()) != 0) return failed("finish database", errno);
    return {};
  }

 private:
  struct Slot {
    std::uint32_t hash = 0, position = 0;  // position 0: empty
  };

  // Twice as many slots as records; each record at the first free one from where its hash says.
  void append_table(const std::vector<Slot>& records) {
    std::vector<Slot> table(records.size() * 2);
    for (const Slot& record : records) {
      std::size_t at = (record.hash >> 8) % table.size();
      while (table[at].position != 0) at = (at + 1) % table.size();
      table[at] = record;
    }
    for (const Slot& slot : table) {
      append_u32(bytes_, slot.hash);
      append_u32(bytes_, slot.position);
    }
  }

  std::unexpected<Error> failed(std::string_view doing, int error) const {
    const bool is_space = error == ENOSPC || error == EDQUOT;
    return fail(is_space ? Errc::no_space : Errc::io, fmt::format("{} {}: {}", doing, path_, errno_text(error)));
  }

  std::string path_;
  Descriptor file_;
  std::string bytes_;
  std::array<std::vector<Slot>, kTables> slots_;
  std::unordered_set<std::string> keys_;
};

}  // namespace

Result<> for_each_cdb_record(std::string_view bytes, const VisitRecord& visit) {
  if (bytes.size() < kHeaderBytes) return damaged("too short");
  const auto end = end_of_records(bytes);
  if (!end) return std::unexpected(end.error());
  std::size_t at = kHeaderBytes;
  while (at < *end) {
    if (*end - at < kPairBytes) return damaged("a record is cut off");
    const std::uint64_t key_size = read_u32(bytes, at), value_size = read_u32(bytes, at + 4);
    at += kPairBytes;
    if (*end - at < key_size + value_size) return damaged("a record is cut off");
    visit(bytes.substr(at, key_size), bytes.substr(at + key_size, value_size));
    at += key_size + value_size;
  }
  return {};
}

Result<std::unique_ptr<DatabaseWriter>> create_cdb(const std::string& path, DatabaseSize) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (!file.is_open()) return fail(Errc::io, fmt::format("open database {}: {}", path, errno_text(errno)));
  return std::make_unique<CdbWriter>(path, std::move(file));
}

}  // namespace waypost::tables
