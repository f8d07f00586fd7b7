// The files that postmap(1) makes of a table's source, one format a table type: NAME.db, NAME.cdb, NAME.lmdb.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/file_io.h"

namespace waypost::tables {

// Gets a record as it is stored, with or without a NUL byte behind key and value; valid during the call only.
using VisitRecord = std::function<void(std::string_view key, std::string_view value)>;

// One new database file. Not thread-safe. Without finish() the file is incomplete: the caller removes it.
class DatabaseWriter {
 public:
  virtual ~DatabaseWriter() = default;

  // The bytes as they are. A key that is there keeps its value.
  virtual Result<> put(std::string_view key, std::string_view value) = 0;
  // Writes everything out and closes. Nothing may follow.
  virtual Result<> finish() = 0;
};

// What a new file will hold, for its layout.
struct DatabaseSize {
  std::uint32_t rows = 0;
  std::uint64_t bytes = 0;  // of keys and values together
};

struct Database {
  std::string_view type;            // "hash"
  std::string_view suffix;          // ".db"
  std::string_view opened_suffix;   // what Postfix puts behind the path in messages about an open table
  bool nul_bytes = false;           // postmap ends keys and values with one, unless told otherwise
  bool can_change = false;          // records are added, removed and listed; else the file is only made anew
  FileLock lock = FileLock::flock;  // by which Postfix keeps readers away while it writes
  // How a warning about a duplicate names the table, with "{}" for its path.
  std::string_view duplicate_name;
  // All records of a file, given whole. Errc::corrupt, Errc::invalid (another format), Errc::unsupported.
  Result<> (*for_each_record)(std::string_view bytes, const VisitRecord& visit) = nullptr;
  // `path` must not exist yet.
  Result<std::unique_ptr<DatabaseWriter>> (*create)(const std::string& path, DatabaseSize size) = nullptr;
};

// Null for a type that has no such file, or whose library is not built in.
const Database* find_database(std::string_view type);

}  // namespace waypost::tables
