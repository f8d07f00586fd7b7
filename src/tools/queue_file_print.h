// A queue file as postcat(1) prints it, record by record.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "postfix_queue/record.h"
#include "tools/console.h"

namespace waypost::tools {

struct PrintOptions {
  bool envelope = false, header = false, body = false;  // none: all
  bool offsets = false;
  bool types = false;       // as decimal numbers
  bool path = false;        // in front of every line
  bool verbose = false;     // pointers, padding and what kind of text a record is
  bool raw = false;         // with verbose: go past pointers and the end
  std::uint64_t start = 0;  // offset of the first record
};

// To standard output. What is no queue file gets a warning on `console` and nothing else. Errc::corrupt: a record
// cannot be read; what came before it has been printed.
Result<> print_queue_file(const postfix_queue::ByteSource& source, const std::string& path, const PrintOptions& options,
                          const Console& console);

}  // namespace waypost::tools
