// The part of postmap(1) that asks tables. hash: and btree: answer as they do in the relay: from the .db file, or from
// the source text when that is newer or all there is.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "tables/registry.h"
#include "tables/row_index.h"
#include "tools/postmap_build.h"
#include "tools/postmap_options.h"

namespace waypost::tools {

class QueriedTable {
 public:
  // `warnings` gets what the opening has to say. Errors carry Postfix's fatal text.
  static Result<QueriedTable> open(const TableName& table, const PostmapOptions& options,
                                   std::vector<std::string>& warnings);

  Result<std::optional<std::string>> find(std::string_view key) const;
  // Every row. Errc::unsupported for types that have no rows to show.
  Result<> for_each(const std::function<void(std::string_view key, std::string_view value)>& visit) const;
  std::string name() const { return table_.type + ":" + table_.path; }

 private:
  explicit QueriedTable(TableName table) : table_(std::move(table)) {}

  TableName table_;
  bool fold_ = true;
  std::shared_ptr<LogSink> sink_;                  // of patterns_
  std::shared_ptr<const tables::RowIndex> rows_;   // types that hold rows
  std::shared_ptr<const tables::Table> patterns_;  // the others
};

}  // namespace waypost::tools
