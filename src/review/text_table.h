// Lookup tables that are text, read for what their rows say: the review names rows that cannot work by file and line.
// Blocking; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace waypost::review {

// A larger table is not reviewed.
inline constexpr std::size_t kMaxReviewedRows = 100'000;

struct TableRow {
  std::string key;  // folded to lower case; the pattern of regexp:, pcre: and cidr: as written; empty for static:
  std::string value;
  int line = 0;
};

struct TextTable {
  std::string name;  // for messages: "hash:/etc/postfix/transport", "inline:{...}"
  std::string file;  // empty: the rows stand in the parameter
  bool patterns = false;
  std::vector<TableRow> rows;
  std::vector<std::string> warnings;  // "FILE, line N: ...", of lines that are left out
};

// The rows in the text of a table of that type; `file` is for the warnings. nullopt: too many rows, or a type that is
// no text file. Pure.
std::optional<TextTable> parse_table_text(std::string_view type, const std::string& file, std::string_view text);

// nullopt: not text (sql, ldap ...), not there, or too large.
std::optional<TextTable> read_text_table(std::string_view type_name);

// One table that a parameter of the configuration names.
struct TableReference {
  std::string type;  // "hash", without proxy:
  std::string path;  // what stands behind the colon
  std::string parameter;
  std::string file;  // where the parameter is set
  int line = 0;

  std::string name() const { return type + ":" + path; }
};

// All of them, each type:path once, those of main.cf first. Only what the files set, no defaults.
std::vector<TableReference> table_references(const config::Configuration& configuration);

// The word "type:name" taken apart, proxy: dropped; nullopt for a word that is none ("[::1]", "permit").
std::optional<TableReference> parse_table_word(std::string_view word);

// What the file that postmap(1) makes of a text has behind its name; nullopt for a type that has no such file.
std::optional<std::string_view> database_suffix(std::string_view type);

}  // namespace waypost::review
