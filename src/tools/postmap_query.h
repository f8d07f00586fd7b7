// The part of postmap(1) that asks tables. Database types answer as they do in the relay: from the database file, or
// from the source text when that is newer or all there is.
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

  // `warnings` gets what the lookup has to say. Errors carry Postfix's fatal text.
  Result<std::optional<std::string>> find(std::string_view key, std::vector<std::string>& warnings) const;
  // Every row. Errors carry Postfix's fatal text; Errc::unsupported for types that have no rows to show.
  Result<> for_each(const std::function<void(std::string_view key, std::string_view value)>& visit) const;
  std::string name() const { return table_.text(); }  // "hash:/etc/postfix/x"

 private:
  class Sink;
  QueriedTable(TableName table, const PostmapOptions& options);
  Result<std::optional<std::string>> find_stored(std::string_view key, std::vector<std::string>& warnings) const;
  Result<std::string> content_of(const std::string& value) const;

  TableName table_;
  std::string opened_name_;  // what Postfix calls it from then on: of some types with the file's suffix
  bool fold_, utf8_, values_are_files_;
  bool has_stored_files_ = false;  // the values are contents in base64, not names
  bool can_list_ = false;
  std::shared_ptr<Sink> sink_;                             // of other_
  std::shared_ptr<const tables::RowIndex> rows_;           // types that hold rows
  std::shared_ptr<const tables::Table> other_;             // the others
  std::shared_ptr<const tables::TableRegistry> registry_;  // that opened other_
};

}  // namespace waypost::tools
