// Reads the records of a Berkeley DB 4.x-5.x hash or btree file straight from its bytes.
//
// libdb is not used for this: it trusts what it reads, and a damaged or hostile file makes it crash or loop inside a
// mail server. Here every offset is checked, and time and memory are bounded by the size of the file. Both byte orders
// are understood; files with duplicates, sub-databases, checksums or encryption (Postfix makes none of these) are
// refused. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "tables/database.h"

namespace waypost::tables {

enum class DbKind : std::uint8_t { hash, btree };

// "hash", "btree"
std::string_view to_text(DbKind kind);

// Calls `visit` with each key and value as stored (Postfix ends both with a NUL byte), in page order. The views are
// valid during the call only. Errc::corrupt: not a whole database; Errc::invalid: a sound one of the other kind;
// Errc::unsupported.
Result<> for_each_db_record(std::string_view bytes, DbKind kind, const VisitRecord& visit);

}  // namespace waypost::tables
