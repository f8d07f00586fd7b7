// Tables: databases older than their text, rows that never count.
#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.h"
#include "config/values.h"
#include "review/review.h"
#include "review/text_table.h"
#include "tables/table_list.h"

namespace waypost::review {
namespace {

using config::FindingCode;
using config::make_finding;

// A text that was just edited may still get its postmap.
constexpr std::time_t kEditTime = 100;
// Of one table; the rest is summed up.
constexpr std::size_t kMaxFindingsPerTable = 20;

class TablesReview {
 public:
  TablesReview(const Subject& subject, config::Findings& findings)
      : configuration_(subject.configuration),
        now_(std::chrono::system_clock::to_time_t(subject.now)),
        findings_(findings) {}

  void run() {
    for (const TableReference& reference : table_references(configuration_)) {
      check_age(reference);
      check_rows(reference);
    }
    check_lists();
  }

 private:
  void check_age(const TableReference& reference) {
    const auto suffix = database_suffix(reference.type);
    if (!suffix) return;
    const std::string database = reference.path + std::string(*suffix);
    struct stat text{}, built{};
    if (::stat(reference.path.c_str(), &text) != 0 || ::stat(database.c_str(), &built) != 0) return;
    if (text.st_mtime <= built.st_mtime || now_ - text.st_mtime < kEditTime) return;
    findings_.push_back(make_finding(FindingCode::stale_table, reference.file, reference.line,
                                     fmt::format("database {} is older than source file {}", database, reference.path),
                                     fmt::format("postmap {}", reference.name())));
  }

  // One finding for a row, but not thousands.
  bool has_room(const std::string& table) { return ++told_[table] <= kMaxFindingsPerTable; }

  void add(FindingCode code, const TextTable& table, const TableRow& row, std::string text, std::string remedy = {}) {
    if (has_room(table.name))
      findings_.push_back(make_finding(code, table.file, row.line, std::move(text), std::move(remedy)));
  }

  // Repeated keys, lines that do not parse.
  void check_rows(const TableReference& reference) {
    const auto table = read_text_table(reference.name());
    if (!table || table->file.empty()) return;
    for (const std::string& warning : table->warnings) add_bad_row(*table, warning);
    if (table->patterns) return;
    std::map<std::string_view, int> first;
    for (const TableRow& row : table->rows) {
      const auto [at, is_new] = first.emplace(row.key, row.line);
      if (!is_new) {
        add(FindingCode::duplicate_row, *table, row,
            fmt::format("duplicate entry: \"{}\", line {} has it already and counts", printable(row.key, 100),
                        at->second));
      }
    }
  }

  // "FILE, line N: TEXT", "regexp map FILE, line N: TEXT"
  void add_bad_row(const TextTable& table, std::string_view warning) {
    if (!has_room(table.name)) return;
    int line = 0;
    const std::string map = table.name.substr(0, table.name.find(':')) + " map ";
    if (warning.starts_with(map)) warning.remove_prefix(map.size());
    const std::string start = table.file + ", line ";
    if (warning.starts_with(start)) {
      warning.remove_prefix(start.size());
      const auto end = warning.find(": ");
      line = static_cast<int>(parse_number(warning.substr(0, end), INT32_MAX).value_or(0));
      warning.remove_prefix(end == std::string_view::npos ? 0 : end + 2);
    } else if (warning.starts_with(table.file + ": ")) {
      warning.remove_prefix(table.file.size() + 2);
    }
    findings_.push_back(make_finding(FindingCode::bad_row, table.file, line, std::string(warning)));
  }

  void check_lists() {
    const config::View view = configuration_.view();
    for (const auto* name : {"transport_maps", "sender_dependent_relayhost_maps",
                             "sender_dependent_default_transport_maps", "smtp_tls_policy_maps"}) {
      check_list(name, view.value(name).value_or(""));
    }
  }

  // Rows that an earlier table of the list answers for, and keys that are never asked for.
  void check_list(std::string_view parameter, std::string_view value) {
    std::map<std::string, std::string> seen;  // key -> table
    std::string swallower;                    // a table that answers every key
    for (const std::string_view word : tables::split_list(value)) {
      const auto table = read_text_table(word);
      if (!table) continue;
      if (!swallower.empty() && !table->rows.empty()) {
        add(FindingCode::shadowed_row, *table, table->rows.front(),
            fmt::format("{}: no row of this table counts, {} before it answers every key", parameter, swallower));
        continue;
      }
      if (word.starts_with("static:")) swallower = table->name;
      if (table->patterns || word.starts_with("static:")) continue;
      for (const TableRow& row : table->rows) check_row(parameter, *table, row, seen);
      for (const TableRow& row : table->rows) seen.emplace(row.key, table->name);
    }
  }

  void check_row(std::string_view parameter, const TextTable& table, const TableRow& row,
                 const std::map<std::string, std::string>& seen) {
    if (const auto earlier = seen.find(row.key); earlier != seen.end()) {
      return add(FindingCode::shadowed_row, table, row,
                 fmt::format("{}: the row \"{}\" never counts, {} before it has the key", parameter,
                             printable(row.key, 100), earlier->second));
    }
    std::string better;
    if (parameter == "transport_maps") {
      better = better_transport_key(row.key);
    } else if (parameter.starts_with("sender_dependent_")) {
      if (row.key.find('@') == std::string::npos && row.key.find('.') != std::string::npos && row.key != "<>")
        better = "@" + without_dots(row.key);
    } else if (row.key.starts_with("*.")) {
      better = row.key.substr(1);
    }
    if (better.empty()) return;
    add(FindingCode::unreachable_row, table, row,
        fmt::format("{}: the key \"{}\" is never looked up", parameter, printable(row.key, 100)),
        fmt::format("write {}", printable(better, 100)));
  }

  static std::string without_dots(std::string_view key) {
    while (key.starts_with('.') || key.starts_with('*')) key.remove_prefix(1);
    while (key.ends_with('.')) key.remove_suffix(1);
    return std::string(key);
  }

  // transport(5) asks for user@domain, domain, .parent and "*"; what was meant by another form, or "".
  std::string better_transport_key(std::string_view key) const {
    if (key == "*" || key.starts_with('[')) return "";
    if (key.starts_with('@')) return std::string(key.substr(1));
    if (key.starts_with("*.")) return std::string(key.substr(1));
    if (key.ends_with('.') && key.size() > 1) return std::string(key.substr(0, key.size() - 1));
    if (key.starts_with('.') && parents_match()) return std::string(key.substr(1));
    return "";
  }

  bool parents_match() const {
    const auto words = config::split_list(configuration_.view().value("parent_domain_matches_subdomains").value_or(""));
    return std::ranges::find(words, "transport_maps") != words.end();
  }

  const config::Configuration& configuration_;
  std::time_t now_;
  config::Findings& findings_;
  std::map<std::string, std::size_t> told_;
};

}  // namespace

void review_tables(const Subject& subject, config::Findings& findings) { TablesReview(subject, findings).run(); }

}  // namespace waypost::review
