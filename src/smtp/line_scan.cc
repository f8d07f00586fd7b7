#include "smtp/line_scan.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace waypost::smtp {
namespace {

constexpr std::size_t kBlock = 64;
// The compiler turns these into the widest vectors that the target has.
using Bytes = char __attribute__((ext_vector_type(kBlock)));
using Bits = bool __attribute__((ext_vector_type(kBlock)));

std::uint64_t positions_of(const char* data, char wanted) {
  Bytes block;
  std::memcpy(&block, data, kBlock);
  const Bytes pattern = wanted;
  return std::bit_cast<std::uint64_t>(__builtin_convertvector(block == pattern, Bits));
}

struct Carry {
  std::uint64_t line_start;  // 1: the next block begins a line
  std::uint64_t cr;          // 1: the last byte was a CR
};

// Bit n: byte n is irregular, or byte n shows that the CR before it is.
std::uint64_t irregular(const char* block, Carry& carry) {
  const std::uint64_t lf = positions_of(block, '\n');
  const std::uint64_t cr = positions_of(block, '\r');
  const std::uint64_t dot = positions_of(block, '.');
  const std::uint64_t after_cr = cr << 1 | carry.cr;
  const std::uint64_t line_start = lf << 1 | carry.line_start;
  carry = {lf >> (kBlock - 1), cr >> (kBlock - 1)};
  return (lf ^ after_cr) | (dot & line_start);
}

// Which byte is to blame for the block's byte `at`: itself, or the CR before it that it does not complete.
const char* blamed(const char* at, const char* begin) {
  const bool after_cr = at != begin && at[-1] == '\r';
  return after_cr && *at != '\n' ? at - 1 : at;
}

}  // namespace

const char* find_irregular(const char* begin, const char* end, bool at_line_start) {
  Carry carry{at_line_start ? 1U : 0U, 0};
  const char* at = begin;
  for (; static_cast<std::size_t>(end - at) >= kBlock; at += kBlock) {
    const std::uint64_t bad = irregular(at, carry);
    if (bad != 0) return blamed(at + std::countr_zero(bad), begin);
  }
  const auto rest = static_cast<std::size_t>(end - at);
  if (rest == 0) return carry.cr != 0 ? end - 1 : end;
  char block[kBlock] = {};
  std::memcpy(block, at, rest);
  // The zero after the last byte blames a CR there, which is what is wanted of a CR at the end.
  const std::uint64_t bad = irregular(block, carry);
  if (bad == 0) return end;
  const int bit = std::countr_zero(bad);
  return static_cast<std::size_t>(bit) == rest ? end - 1 : blamed(at + bit, begin);
}

}  // namespace waypost::smtp
