// main.cf: `name = value` lines, the last one of a name wins.
//
// Two leniencies give a meaning to files that Postfix refuses or misreads; each use is a warning:
// - words that lost their indentation, after a line that ends in '=' or ',', continue that line;
// - ` # text` inside a restriction list is a comment up to the end of its physical line.
// A line that is neither is an error finding and left out; parsing goes on, so that all of them are named.
// Immutable once parsed.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/finding.h"

namespace waypost::config {

inline constexpr std::size_t kMaxConfigFileBytes = 16U << 20U;

// A value as written, unexpanded, and where.
struct Setting {
  std::string value;
  std::string file;
  int line = 0;  // 0: from the command line
};

class MainCf {
 public:
  using Map = std::map<std::string, Setting, std::less<>>;

  // Null when the file does not set it.
  const Setting* find(std::string_view name) const;
  // Sorted by name.
  const Map& settings() const { return settings_; }
  // Replaces an earlier value without a word.
  void set(std::string name, Setting setting) { settings_.insert_or_assign(std::move(name), std::move(setting)); }

 private:
  Map settings_;
};

MainCf parse_main_cf(std::string_view text, const std::string& file, Findings& findings);

struct NameValue {
  std::string name;
  std::string value;
};

// "name = value" with blanks around each trimmed. The error is Postfix's text ("missing '=' after attribute name").
Result<NameValue> split_name_value(std::string_view text);

// Restriction lists are parameters of that type and operators' own lists by the custom of their names (*_restrictions).
bool is_restriction_list(std::string_view name);

// The two leniencies: whether the value so far ends where more must follow, and a physical line of the list `name`
// without the comment at its end.
bool is_open_value(std::string_view so_far);
std::string_view without_comment(std::string_view name, std::string_view piece);

// The whole file; Errc::not_found, io, or invalid when it is larger than kMaxConfigFileBytes.
Result<std::string> read_config_file(const std::string& path);

}  // namespace waypost::config
