// A lookup table as operators know it: type:name, a string in, a string or nothing out.
//
// Failure is never "not found": an unreadable or broken table answers Errc::unavailable and the mail is deferred.
// Threads: a Table is immutable or guards itself; any thread may look up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/task.h"

namespace waypost::tables {

using Lookup = Result<std::optional<std::string>>;

// How a key may be taken apart by the caller before it is looked up.
enum class KeyStyle : unsigned char {
  indexed,     // exact strings, folded to lower case: hash, btree, texthash, inline ... Partial keys are tried too
  whole_only,  // the full string only: regexp, pcre, cidr, static
};

class Table {
 public:
  virtual ~Table() = default;

  // "hash:/etc/postfix/sasl_passwd", for messages.
  virtual const std::string& name() const = 0;
  virtual KeyStyle key_style() const = 0;

  // True: find() answers from memory or a local file and never blocks on a network. False: only find_later() may be
  // used on an io thread.
  virtual bool immediate() const { return true; }
  virtual Lookup find(std::string_view key) const = 0;
  // `key` by value: the coroutine may outlive the caller's buffer.
  virtual net::Task<Lookup> find_later(std::string key) const { co_return find(key); }
};

}  // namespace waypost::tables
