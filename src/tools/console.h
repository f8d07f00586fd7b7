// How a command speaks to its user: "postqueue: warning: text" on stderr.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::tools {

class Console {
 public:
  explicit Console(std::string name) : name_(std::move(name)) {}

  void info(std::string_view text) const { print("", text); }
  void warning(std::string_view text) const { print("warning: ", text); }
  // Prints and gives back `status`, so that a command ends with `return console.fatal(...)`.
  int fatal(std::string_view text, int status) const {
    print("fatal: ", text);
    return status;
  }
  const std::string& name() const { return name_; }

 private:
  void print(std::string_view prefix, std::string_view text) const;
  std::string name_;
};

// Everything on standard input. Errc::invalid: there is more than `limit` bytes, so nothing of it may be used;
// Errc::io.
Result<std::string> read_stdin(std::size_t limit);
// All of `text` to standard output; false when it went nowhere (closed pipe, full disk).
bool write_stdout(std::string_view text);

}  // namespace waypost::tools
