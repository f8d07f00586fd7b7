// Writes Berkeley DB files, with libdb.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/database.h"
#include "tables/db_reader.h"

namespace waypost::tables {

class DbWriter final : public DatabaseWriter {
 public:
  static constexpr std::uint32_t kCacheBytes = 16U << 20;  // berkeley_db_create_buffer_size

  // `path` must not exist yet. `expected_rows` sizes a hash.
  static Result<DbWriter> create(const std::string& path, DbKind kind, std::uint32_t expected_rows);

  Result<> put(std::string_view key, std::string_view value) override;
  Result<> finish() override;

  DbWriter(DbWriter&&) noexcept;
  DbWriter& operator=(DbWriter&&) noexcept;
  ~DbWriter() override;

 private:
  struct Handles;
  explicit DbWriter(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace waypost::tables
