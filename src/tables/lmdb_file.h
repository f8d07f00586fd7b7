// LMDB files (NAME.lmdb). They are written with liblmdb and read from their bytes: the library maps the file and trusts
// what it finds, and a damaged one ends the process. Here every offset is checked, and time and memory are bounded by
// the size of the file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/database.h"

namespace waypost::tables {

// The records of the newest state of a file, in the order of their keys. Files of this machine's byte order with 64-bit
// numbers; those with duplicates, named databases or other key orders (Postfix makes none) are refused. Pure.
Result<> for_each_lmdb_record(std::string_view bytes, const VisitRecord& visit);

// Keys are limited to 511 bytes by the library.
Result<std::unique_ptr<DatabaseWriter>> create_lmdb(const std::string& path, DatabaseSize size);

}  // namespace waypost::tables
