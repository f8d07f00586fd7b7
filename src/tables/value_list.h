// The values of an SQL or LDAP answer become one: each formatted, joined by commas. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tables/key_template.h"
#include "tables/table.h"

namespace waypost::tables {

class ValueList {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;  // of all values together

  // `limit`: values; 0: any number. `format` and `key` must outlive it.
  ValueList(const KeyTemplate& format, std::int64_t limit, std::string_view key)
      : format_(format), limit_(limit), key_(key) {}

  // Errc::unavailable when there are too many, or they are too long.
  Result<> add(std::string_view value);
  void clear();
  // Nothing when no value counted.
  Lookup take();

 private:
  const KeyTemplate& format_;
  std::int64_t limit_;
  std::string_view key_;
  std::int64_t count_ = 0;
  std::string joined_;
};

}  // namespace waypost::tables
