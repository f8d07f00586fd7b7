// The index against the plain walk through the list that it stands for.
#include "tables/cidr_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace waypost::tables {
namespace {

std::optional<CidrIndex::Answer> walk(const std::vector<Cidr>& networks, const Address& address) {
  for (std::size_t i = 0; i < networks.size(); ++i) {
    if (networks[i].contains(address)) return static_cast<CidrIndex::Answer>(i);
  }
  return std::nullopt;
}

CidrIndex index_of(const std::vector<Cidr>& networks) {
  CidrIndex index;
  for (std::size_t i = 0; i < networks.size(); ++i) index.add(networks[i], static_cast<CidrIndex::Answer>(i));
  index.build();
  return index;
}

Address with_byte(bool v6, std::size_t at, std::uint8_t value, std::uint8_t rest) {
  Address address;
  address.v6 = v6;
  for (std::size_t i = 0; i < (v6 ? 16U : 4U); ++i) address.bytes[i] = i < at ? 10 : i == at ? value : rest;
  return address;
}

// A network of a random length around one of few addresses, so that many of them nest.
Cidr random_network(std::mt19937& random) {
  const bool v6 = random() % 2 == 0;
  const int bits = v6 ? 128 : 32;
  Cidr cidr;
  cidr.prefix_bits = static_cast<std::uint8_t>(random() % static_cast<unsigned>(bits + 1));
  const Address address = with_byte(v6, random() % (v6 ? 16 : 4), static_cast<std::uint8_t>(random()), 0xff);
  cidr.network.v6 = v6;
  for (int bit = 0; bit < cidr.prefix_bits; ++bit) {
    const auto byte = static_cast<std::size_t>(bit / 8);
    cidr.network.bytes[byte] |= static_cast<std::uint8_t>(address.bytes[byte] & (0x80 >> bit % 8));
  }
  return cidr;
}

// The address before and behind each end of a network, and the ends.
std::vector<Address> edges(const Cidr& cidr) {
  const int size = cidr.network.v6 ? 16 : 4;
  Address last = cidr.network;
  for (int bit = cidr.prefix_bits; bit < size * 8; ++bit) {
    last.bytes[static_cast<std::size_t>(bit / 8)] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
  }
  Address before = cidr.network, behind = last;
  for (int i = size - 1; i >= 0 && before.bytes[static_cast<std::size_t>(i)]-- == 0; --i) {
  }
  for (int i = size - 1; i >= 0 && ++behind.bytes[static_cast<std::size_t>(i)] == 0; --i) {
  }
  return {before, cidr.network, last, behind};
}

TEST(CidrIndex, AnswersAsTheListDoes) {
  std::mt19937 random(20);  // the same networks each time
  for (int round = 0; round < 300; ++round) {
    std::vector<Cidr> networks(1 + random() % 40);
    std::ranges::generate(networks, [&] { return random_network(random); });
    const CidrIndex index = index_of(networks);
    for (const Cidr& network : networks) {
      for (const Address& address : edges(network)) ASSERT_EQ(index.find(address), walk(networks, address)) << round;
    }
  }
}

TEST(CidrIndex, HoldsTheWholeSpaceAndItsEnds) {
  const auto index = index_of({*parse_cidr("255.255.255.255"), *parse_cidr("0.0.0.0"), *parse_cidr("0.0.0.0/0"),
                               *parse_cidr("::/0"), *parse_cidr("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")});
  EXPECT_EQ(index.find(*parse_address("255.255.255.255")), 0U);
  EXPECT_EQ(index.find(*parse_address("255.255.255.254")), 2U);
  EXPECT_EQ(index.find(*parse_address("0.0.0.0")), 1U);
  EXPECT_EQ(index.find(*parse_address("0.0.0.1")), 2U);
  EXPECT_EQ(index.find(*parse_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), 3U) << "::/0 stands before it";
  EXPECT_EQ(CidrIndex().find(*parse_address("::1")), std::nullopt);
}

}  // namespace
}  // namespace waypost::tables
