// Key-value rows in memory, packed for tables of millions of rows: one arena of bytes and one flat table of offsets
// (about 14 bytes a row beside its text). Built once, then immutable; any thread may read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tables/file_table.h"

namespace waypost::tables {

class RowIndex final : public Content {
 public:
  // Offsets are 32 bits wide; a table that does not fit fails to load.
  static constexpr std::size_t kMaxArenaBytes = UINT32_MAX;

  enum class Added : std::uint8_t { yes, duplicate, full };
  // The first row with a key stays; a duplicate changes nothing.
  Added add(std::string_view key, std::string_view value);
  // Replaces the value of a key that is there.
  Added put(std::string_view key, std::string_view value);
  void shrink();

  std::size_t size() const { return rows_; }
  std::optional<std::string_view> get(std::string_view key) const;

  // Content: the key is folded to lower case.
  Lookup find(std::string_view key) const override;

  // In the order in which they were added or last replaced. `visit(key, value)`.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t at = 0; at < arena_.size(); at = next_of(at)) {
      const bool is_current = slots_[slot_of(key_at(at))] == at;
      if (is_current) visit(key_at(at), value_at(at));
    }
  }

 private:
  static constexpr std::uint32_t kEmpty = UINT32_MAX;
  struct Lengths {
    std::uint32_t key, value;
  };

  Lengths lengths_at(std::size_t at) const;
  std::string_view key_at(std::size_t at) const;
  std::string_view value_at(std::size_t at) const;
  std::size_t next_of(std::size_t at) const;
  // The slot that has the key, or the empty one where it belongs.
  std::size_t slot_of(std::string_view key) const;
  Added append(std::size_t slot, std::string_view key, std::string_view value);
  void grow();

  std::string arena_;  // rows: Lengths, key, value; a replaced row stays as dead bytes
  std::vector<std::uint32_t> slots_;
  std::size_t rows_ = 0;
};

}  // namespace waypost::tables
