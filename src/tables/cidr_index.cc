#include "tables/cidr_index.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace waypost::tables {
namespace {

using V4 = std::uint32_t;
using V6 = std::pair<std::uint64_t, std::uint64_t>;

template <class Number>
Number read_number(const std::uint8_t* bytes) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) number = static_cast<Number>(number << 8 | bytes[i]);
  return number;
}

V4 v4_number(const Address& address) { return read_number<V4>(address.bytes.data()); }
V6 v6_number(const Address& address) {
  return {read_number<std::uint64_t>(address.bytes.data()), read_number<std::uint64_t>(address.bytes.data() + 8)};
}

// All ones behind the first `prefix_bits` of a number of Number's width.
template <class Number>
Number host_mask(int prefix_bits) {
  constexpr int kBits = std::numeric_limits<Number>::digits;
  if (prefix_bits <= 0) return static_cast<Number>(~Number{0});
  if (prefix_bits >= kBits) return 0;
  return static_cast<Number>(static_cast<Number>(~Number{0}) >> prefix_bits);
}

V4 last_of(V4 first, int prefix_bits) { return first | host_mask<V4>(prefix_bits); }
V6 last_of(V6 first, int prefix_bits) {
  return {first.first | host_mask<std::uint64_t>(prefix_bits),
          first.second | host_mask<std::uint64_t>(prefix_bits - 64)};
}

// The number after this one; nullopt after the last.
std::optional<V4> after(V4 number) {
  if (number == UINT32_MAX) return std::nullopt;
  return number + 1;
}
std::optional<V6> after(V6 number) {
  if (number.second != UINT64_MAX) return V6{number.first, number.second + 1};
  if (number.first != UINT64_MAX) return V6{number.first + 1, 0};
  return std::nullopt;
}

}  // namespace

// Walks the networks in the order of their starts, outer before inner, and keeps the chain of those that are open.
template <class Number>
class CidrIndex::Builder {
 public:
  static std::vector<Segment<Number>> build(std::vector<Network<Number>> networks) {
    std::ranges::sort(networks, [](const auto& a, const auto& b) {
      return std::tie(a.first, b.last, a.position) < std::tie(b.first, a.last, b.position);
    });
    Builder builder;
    for (const auto& network : networks) {
      builder.close_before(network.first);
      builder.open(network);
    }
    builder.close_before(std::nullopt);
    builder.segments_.shrink_to_fit();
    return std::move(builder.segments_);
  }

 private:
  // Closes the networks that end before `start`; nullopt: all.
  void close_before(std::optional<Number> start) {
    while (!open_.empty() && (!start || open_.back().last < *start)) {
      const auto next = after(open_.back().last);
      open_.pop_back();
      if (next) begin_segment(*next, open_.empty() ? kNone : open_.back().answer);
    }
  }

  // An outer network that stands before this one in the table goes on answering.
  void open(Network<Number> network) {
    if (!open_.empty() && open_.back().position < network.position) {
      network.position = open_.back().position;
      network.answer = open_.back().answer;
    }
    open_.push_back(network);
    begin_segment(network.first, network.answer);
  }

  void begin_segment(Number start, Answer answer) {
    if (!segments_.empty() && segments_.back().start == start) segments_.pop_back();
    const bool goes_on = segments_.empty() ? answer == kNone : segments_.back().answer == answer;
    if (!goes_on) segments_.push_back({start, answer});
  }

  std::vector<Network<Number>> open_;  // each with the first answer of the chain down to it
  std::vector<Segment<Number>> segments_;
};

void CidrIndex::add(const Cidr& network, Answer answer) {
  if (network.network.v6) {
    const V6 first = v6_number(network.network);
    v6_networks_.push_back({first, last_of(first, network.prefix_bits), added_++, answer});
  } else {
    const V4 first = v4_number(network.network);
    v4_networks_.push_back({first, last_of(first, network.prefix_bits), added_++, answer});
  }
}

void CidrIndex::build() {
  v4_ = Builder<V4>::build(std::exchange(v4_networks_, {}));
  v6_ = Builder<V6>::build(std::exchange(v6_networks_, {}));
}

template <class Number>
std::optional<CidrIndex::Answer> CidrIndex::find_in(const std::vector<Segment<Number>>& segments, Number address) {
  const auto behind = std::ranges::upper_bound(segments, address, {}, &Segment<Number>::start);
  if (behind == segments.begin()) return std::nullopt;
  const Answer answer = std::prev(behind)->answer;
  if (answer == kNone) return std::nullopt;
  return answer;
}

std::optional<CidrIndex::Answer> CidrIndex::find(const Address& address) const {
  return address.v6 ? find_in(v6_, v6_number(address)) : find_in(v4_, v4_number(address));
}

}  // namespace waypost::tables
