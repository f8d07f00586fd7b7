// Writes Berkeley DB files, with libdb.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/db_reader.h"

namespace waypost::tables {

// One new database file. Not thread-safe. Without finish() the file is incomplete: the caller removes it.
class DbWriter {
 public:
  static constexpr std::uint32_t kCacheBytes = 16U << 20;  // berkeley_db_create_buffer_size

  // `path` must not exist yet. `expected_rows` sizes a hash.
  static Result<DbWriter> create(const std::string& path, DbKind kind, std::uint32_t expected_rows);

  // The bytes as they are. A key that is there keeps its value.
  Result<> put(std::string_view key, std::string_view value);
  // Writes everything out and closes. Nothing may follow.
  Result<> finish();

  DbWriter(DbWriter&&) noexcept;
  DbWriter& operator=(DbWriter&&) noexcept;
  ~DbWriter();

 private:
  struct Handles;
  explicit DbWriter(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace waypost::tables
