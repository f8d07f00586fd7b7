#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>

#include <cerrno>
#include <utility>

#include "base/descriptor.h"
#include "tables/lmdb_file.h"

namespace waypost::tables {
namespace {

constexpr mdb_mode_t kFileMode = 0644;  // before the umask
// The file's size limit, which is address space only: what the rows need with half-filled pages, twice over.
constexpr std::size_t kFirstMapBytes = 16 << 20;  // lmdb_map_size
constexpr std::size_t kBytesPerRow = 64, kSpareFactor = 4, kMapUnit = 1 << 20;

std::size_t map_bytes(DatabaseSize size) {
  const std::size_t wanted = (size.bytes + size.rows * kBytesPerRow) * kSpareFactor + kFirstMapBytes;
  return (wanted + kMapUnit - 1) / kMapUnit * kMapUnit;
}

class LmdbWriter final : public DatabaseWriter {
 public:
  explicit LmdbWriter(std::string path) : path_(std::move(path)) {}
  LmdbWriter(const LmdbWriter&) = delete;
  LmdbWriter& operator=(const LmdbWriter&) = delete;
  ~LmdbWriter() override {
    if (transaction_ != nullptr) ::mdb_txn_abort(transaction_);
    if (environment_ != nullptr) ::mdb_env_close(environment_);
  }

  // Without the library's lock file: nobody else knows of this file yet, and Postfix uses none either.
  Result<> open(DatabaseSize size) {
    const Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    if (!file.is_open()) return failed("open database", errno);
    int error = ::mdb_env_create(&environment_);
    if (error == 0) error = ::mdb_env_set_mapsize(environment_, map_bytes(size));
    if (error == 0) error = ::mdb_env_open(environment_, path_.c_str(), MDB_NOSUBDIR | MDB_NOLOCK, kFileMode);
    if (error == 0) error = ::mdb_txn_begin(environment_, nullptr, 0, &transaction_);
    if (error == 0) error = ::mdb_dbi_open(transaction_, nullptr, 0, &database_);
    if (error != 0) return failed("open database", error);
    return {};
  }

  Result<> put(std::string_view key, std::string_view value) override {
    MDB_val key_value = to_value(key), data = to_value(value);
    const int error = ::mdb_put(transaction_, database_, &key_value, &data, MDB_NOOVERWRITE);
    if (error != 0 && error != MDB_KEYEXIST) return failed("error updating", error);
    return {};
  }

  Result<> finish() override {
    if (const int error = ::mdb_txn_commit(std::exchange(transaction_, nullptr))) {
      return failed("finish database", error);
    }
    return {};
  }

 private:
  static MDB_val to_value(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }
  std::unexpected<Error> failed(std::string_view doing, int error) const {
    const bool is_space = error == ENOSPC || error == EDQUOT;
    return fail(is_space ? Errc::no_space : Errc::io, fmt::format("{} {}: {}", doing, path_, ::mdb_strerror(error)));
  }

  std::string path_;
  MDB_env* environment_ = nullptr;
  MDB_txn* transaction_ = nullptr;
  MDB_dbi database_ = 0;
};

}  // namespace

Result<std::unique_ptr<DatabaseWriter>> create_lmdb(const std::string& path, DatabaseSize size) {
  auto writer = std::make_unique<LmdbWriter>(path);
  if (auto done = writer->open(size); !done) return std::unexpected(done.error());
  return writer;
}

}  // namespace waypost::tables
