#include "tools/source_rows.h"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "base/text.h"
#include "tables/alias_source.h"
#include "tables/source_file.h"
#include "tools/file_values.h"

namespace waypost::tools {
namespace {

using tables::RowIndex;

class SourceRows {
 public:
  SourceRows(RowIndex& rows, const std::string& source, const tables::Database& database, const TableName& table,
             const PostmapOptions& options, std::vector<std::string>& warnings)
      : rows_(rows),
        source_(source),
        duplicate_name_(fmt::format(fmt::runtime(database.duplicate_name), table.path)),
        nul_bytes_(options.nul_bytes == tables::NulBytes::either ? database.nul_bytes
                                                                 : options.nul_bytes == tables::NulBytes::present),
        duplicates_(options.duplicates),
        options_(options),
        warnings_(warnings) {}

  void add_rows(std::string_view text) {
    tables::for_each_row(text, source_, {.utf8 = options_.utf8}, warnings_,
                         [&](const tables::Row& row) { return add_row(row); });
  }

  void add_aliases(std::string_view text) {
    tables::for_each_alias(text, source_, options_.utf8, warnings_,
                           [&](const tables::AliasRow& row) { return add(row.name, row.value); });
    add_signatures();
  }

  bool is_full() const { return is_full_; }

 private:
  bool add_row(const tables::Row& row) {
    if (!options_.values_are_files) return add(row.key, row.value);
    const auto content = read_named_files(row.value);
    if (content) return add(row.key, base64_encode(*content));
    warnings_.push_back(fmt::format("{}, line {}: {}: skipping this entry", source_, row.line, content.error().text));
    return true;
  }

  bool add(std::string_view key, std::string_view value) {
    const std::string folded = options_.fold ? to_lower(key) : std::string(key);
    const bool replaces = duplicates_ == tables::Duplicates::replace;
    const auto stored_key = stored(folded), stored_value = stored(value);
    const auto added = replaces ? rows_.put(stored_key, stored_value) : rows_.add(stored_key, stored_value);
    if (added == RowIndex::Added::duplicate && duplicates_ == tables::Duplicates::warn) {
      warnings_.push_back(fmt::format("{}: duplicate entry: \"{}\"", duplicate_name_, folded));
    }
    is_full_ = added == RowIndex::Added::full;
    return !is_full_;
  }

  // What tells other programs that the database is complete, and how old it is: for Sendmail's and NIS's clients, who
  // want the latter without NUL bytes and in upper case.
  void add_signatures() {
    if (options_.action == PostmapAction::update) duplicates_ = tables::Duplicates::replace;
    add("@", "@");
    rows_.put("YP_LAST_MODIFIED", fmt::format("{:010}", std::time(nullptr)));
    rows_.put("YP_MASTER_NAME", options_.master_name);
  }

  std::string stored(std::string_view text) const {
    std::string bytes(text);
    if (nul_bytes_) bytes += '\0';
    return bytes;
  }

  RowIndex& rows_;
  const std::string& source_;
  std::string duplicate_name_;
  bool nul_bytes_;
  tables::Duplicates duplicates_;
  const PostmapOptions& options_;
  std::vector<std::string>& warnings_;
  bool is_full_ = false;
};

}  // namespace

Result<> add_source_rows(RowIndex& rows, std::string_view text, const std::string& source,
                         const tables::Database& database, const TableName& table, const PostmapOptions& options,
                         std::vector<std::string>& warnings) {
  SourceRows reader(rows, source, database, table, options, warnings);
  options.command == MapCommand::postalias ? reader.add_aliases(text) : reader.add_rows(text);
  if (reader.is_full()) return fail(Errc::invalid, fmt::format("{}: table too large", table.text()));
  return {};
}

}  // namespace waypost::tools
