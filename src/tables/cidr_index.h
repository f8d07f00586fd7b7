// Networks in order, the first that holds an address answers: for tables of a million networks.
//
// Networks nest or are apart, they never overlap in part. So the address space falls into segments in each of which one
// network is the first to match: the innermost chain of networks around it is known, and the one with the lowest
// position among them answers. Only the segments are kept, sorted; a lookup is a binary search. Equal neighbours are
// one segment. Built once, then immutable; any thread may read.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "tables/cidr.h"

namespace waypost::tables {

class CidrIndex {
 public:
  using Answer = std::uint32_t;

  // Behind all networks added before. Nothing may be added after build().
  void add(const Cidr& network, Answer answer);
  void build();

  std::optional<Answer> find(const Address& address) const;

 private:
  using V4 = std::uint32_t;
  using V6 = std::pair<std::uint64_t, std::uint64_t>;

  template <class Number>
  struct Network {
    Number first, last;
    std::uint32_t position = 0;
    Answer answer = 0;
  };
  // From here to the start of the next one.
  template <class Number>
  struct Segment {
    Number start;
    Answer answer = kNone;
  };
  static constexpr Answer kNone = UINT32_MAX;

  template <class Number>
  class Builder;
  template <class Number>
  static std::optional<Answer> find_in(const std::vector<Segment<Number>>& segments, Number address);

  std::uint32_t added_ = 0;
  std::vector<Network<V4>> v4_networks_;  // empty once built
  std::vector<Network<V6>> v6_networks_;
  std::vector<Segment<V4>> v4_;
  std::vector<Segment<V6>> v6_;
};

}  // namespace waypost::tables
