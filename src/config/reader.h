// Typed access to the parameters of one View. A value that does not parse, or is out of range, becomes an error finding
// with its file and line, and the answer is the table's default: reading goes on, and one run names all mistakes.
// One thread; lives as long as it takes to fill a settings struct.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"
#include "config/view.h"

namespace waypost::config {

class Reader {
 public:
  Reader(const View& view, Findings& findings) : view_(view), findings_(findings) {}

  const View& view() const { return view_; }

  // The expanded value; empty for an undefined name. myorigin = /etc/mailname: the first line of that file.
  std::string text(std::string_view name);
  bool flag(std::string_view name);
  // Counts, reply codes and byte sizes: decimal digits. Both limits are allowed values.
  std::int64_t number(std::string_view name, std::int64_t min = 0, std::int64_t max = INT64_MAX);
  // `90`, `90s`, `5m`, `2h`, `5d`, `1w`; a bare number has the unit of the parameter's default.
  std::chrono::seconds duration(std::string_view name, std::chrono::seconds min = std::chrono::seconds(0),
                                std::chrono::seconds max = std::chrono::seconds(INT32_MAX));
  // Items between commas and blanks; a {} group is one item and keeps its braces.
  std::vector<std::string> list(std::string_view name);
  // Items between blanks only.
  std::vector<std::string> words(std::string_view name);
  // One of the words that the table allows, in lower case.
  std::string choice(std::string_view name);
  bool is_set(std::string_view name) const { return view_.is_set(name); }

  // Adds an error that a caller found in the value of `name`.
  void reject(std::string_view name, std::string why, FindingCode code = FindingCode::bad_value);
  // ... or a warning, for what works otherwise than its author may think.
  void warn(std::string_view name, std::string why, FindingCode code = FindingCode::other);

 private:
  std::string default_text(std::string_view name);

  const View& view_;
  Findings& findings_;
};

}  // namespace waypost::config
