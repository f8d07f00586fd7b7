// The content of a message as it comes after DATA: finds its end, keeps its first part for the sequence number, and
// the whole of it only when somebody wants it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace waypost::bench {

class ContentReader {
 public:
  void begin(bool keep_all);
  // Takes bytes up to and with the end of data; returns how many. ended() tells whether the end was among them.
  std::size_t take(std::string_view bytes);
  bool ended() const { return ended_; }

  std::uint64_t wire_bytes() const { return wire_bytes_; }
  // A field of the header's first kHeadLimit bytes, trimmed; empty when it is not there.
  std::string_view field(std::string_view name) const;
  // Without dot-stuffing and end of data; only after begin(true).
  std::string unstuffed() const;

 private:
  static constexpr std::size_t kHeadLimit = 32 * 1024;
  enum class At : unsigned char { inside_line, after_cr, line_start, after_dot, after_dot_cr };

  std::size_t find_end(std::string_view bytes);

  bool keep_all_ = false, ended_ = false, head_done_ = false;
  At at_ = At::line_start;
  std::uint64_t wire_bytes_ = 0;
  std::string head_, all_;
};

}  // namespace waypost::bench
