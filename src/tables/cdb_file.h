// Constant databases (NAME.cdb), as tinycdb and others write and read them: records one behind the other, then hash
// tables that point to them. See https://cr.yp.to/cdb/cdb.txt for the format. Written and read here without a library:
// the format is small, and a reader within a mail server must bear a damaged file.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/database.h"

namespace waypost::tables {

// In the order in which they were added. Pure; time is bounded by the size of the file.
Result<> for_each_cdb_record(std::string_view bytes, const VisitRecord& visit);

// The whole file is collected in memory; the format ends at 4 GB.
Result<std::unique_ptr<DatabaseWriter>> create_cdb(const std::string& path, DatabaseSize size);

}  // namespace waypost::tables
