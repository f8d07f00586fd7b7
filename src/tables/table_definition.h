// How a table that asks a server is described: `name = value` lines in a file of its own (pgsql:/etc/postfix/x.cf), or
// NAME_parameter settings in main.cf (pgsql:NAME).
//
// Values in the file are taken as they are, those in main.cf are expanded. A name that the table type does not know is
// a warning; its value is not repeated, it may be a misspelt password. What cannot be understood makes problem()
// non-empty, in Postfix's words. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace waypost::tables {

struct TableSource;

class TableDefinition {
 public:
  // `known`: the parameters of the type. Blocking. The error's text is the reason alone: "open /x.cf: No such file
  // ...".
  static Result<TableDefinition> read(const TableSource& source, std::span<const std::string_view> known);

  bool has(std::string_view name) const;  // set, and not empty
  std::string text(std::string_view name, std::string_view otherwise = {}) const;
  Secret secret(std::string_view name) const;
  std::int64_t number(std::string_view name, std::int64_t otherwise, std::int64_t min = 0,
                      std::int64_t max = INT32_MAX);
  bool flag(std::string_view name, bool otherwise);
  // Words between commas and blanks.
  std::vector<std::string> list(std::string_view name) const;

  // For a caller that finds the value of a parameter unusable.
  void reject(std::string reason);
  // The first thing that is wrong; empty when all is well.
  const std::string& problem() const { return problem_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  void warn(std::string text) { warnings_.push_back(std::move(text)); }

 private:
  struct Value {
    Secret text;  // any of them may be one
    std::string place;
  };

  const Value* find(std::string_view name) const;
  void check_names(const TableSource& source, std::span<const std::string_view> known);
  static Result<TableDefinition> read_file(const std::string& path);

  std::string name_;  // the source's, for messages
  std::map<std::string, Value, std::less<>> values_;
  std::string problem_;
  std::vector<std::string> warnings_;
};

}  // namespace waypost::tables
