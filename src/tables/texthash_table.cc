// texthash: the source text itself, read whole. A duplicate key makes the table unusable, as in Postfix.
#include <fmt/format.h>

#include <string>

#include "base/text.h"
#include "tables/file_io.h"
#include "tables/file_table.h"
#include "tables/row_index.h"
#include "tables/source_file.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

Result<Loaded> load(const std::string& path) {
  const auto text = read_whole_file(path);
  if (!text) return fail(text.error().code, fmt::format("open database {}: {}", path, text.error().text));
  Loaded loaded;
  auto rows = std::make_shared<RowIndex>();
  std::string problem;
  for_each_row(*text, path, {.ignored = " -- ignoring this line"}, loaded.warnings, [&](const Row& row) {
    switch (rows->add(to_lower(row.key), row.value)) {
      case RowIndex::Added::yes:
        return true;
      case RowIndex::Added::duplicate:
        problem = fmt::format("{}, line {}: duplicate entry: \"{}\"", path, row.line, row.key);
        return false;
      case RowIndex::Added::full:
        problem = fmt::format("{}: table too large", path);
        return false;
    }
    return false;
  });
  if (!problem.empty()) return fail(Errc::invalid, std::move(problem));
  rows->shrink();
  loaded.content = std::move(rows);
  return loaded;
}

}  // namespace

std::shared_ptr<const Table> make_texthash_table(const TableSource& source) {
  FileTableSpec spec;
  spec.name = source.name();
  spec.files = {source.argument};
  spec.load = [path = source.argument] { return load(path); };
  return std::make_shared<FileTable>(std::move(spec), source.log, source.clock);
}

}  // namespace waypost::tables
