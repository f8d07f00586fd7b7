// The common way from a definition (a file of parameters, or NAME_* in main.cf) to a table that asks a server.
#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "tables/remote_table.h"
#include "tables/table_definition.h"
#include "tables/types.h"

namespace waypost::tables {

// Reads the definition, logs its warnings, lets `read` fill what is particular to the type (at least
// RemoteSpec::make_client), and makes the table: an UnavailableTable when the definition cannot be read, or is wrong.
// The parameters `domain` and the main.cf settings are already in the spec.
std::shared_ptr<const Table> make_defined_table(
    const TableSource& source, const std::function<Result<>(TableDefinition& definition, RemoteSpec& spec)>& read);

}  // namespace waypost::tables
