#include "tables/cidr_rules.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "tables/rule_words.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

// A negated pattern still speaks of its own address family only.
bool applies(const Cidr& cidr, bool negated, const Address& address) {
  return address.v6 == cidr.network.v6 && cidr.contains(address) != negated;
}

}  // namespace

class CidrRules::Parser {
 public:
  // Adds one rule. The error says why it is none.
  Result<> add(std::string_view line, int number) {
    if (rules_.size_ == kMaxRules) return fail(Errc::invalid, "too many rules");
    auto done = is_keyword(line, "endif") ? add_endif(line.substr(5))
                : is_keyword(line, "if")  ? add_if(line.substr(2), number)
                                          : add_match(line);
    if (done) ++rules_.size_;
    return done;
  }

  CidrRules finish(std::string_view path, std::vector<std::string>& warnings) {
    for (; !open_blocks_.empty(); open_blocks_.pop_back()) {
      Step& block = rules_.steps_[open_blocks_.back()];
      block.block_end = static_cast<std::uint32_t>(rules_.steps_.size());
      warnings.push_back(fmt::format("cidr map {}, line {}: IF has no matching ENDIF", path, block.line));
    }
    for (CidrIndex& index : rules_.indexes_) index.build();
    return std::move(rules_);
  }

 private:
  Result<> add_endif(std::string_view rest) {
    if (!trim(rest).empty()) return fail(Errc::invalid, "garbage after ENDIF");
    if (open_blocks_.empty()) return fail(Errc::invalid, "ENDIF without IF");
    rules_.steps_[open_blocks_.back()].block_end = static_cast<std::uint32_t>(rules_.steps_.size());
    open_blocks_.pop_back();
    rules_.steps_.push_back({.kind = Kind::end_block});
    return {};
  }

  Result<> add_if(std::string_view rest, int number) {
    if (open_blocks_.size() == kMaxNesting) return fail(Errc::invalid, "too many nested IFs");
    const bool negated = take_negations(rest);
    const auto cidr = parse_pattern(trim_right(rest));
    if (!cidr) return std::unexpected(cidr.error());
    open_blocks_.push_back(rules_.steps_.size());
    rules_.steps_.push_back({.kind = Kind::if_block, .negated = negated, .cidr = *cidr, .line = number});
    return {};
  }

  Result<> add_match(std::string_view rest) {
    const bool negated = take_negations(rest);
    std::size_t end = 0;
    while (end < rest.size() && !is_space(rest[end])) ++end;
    const auto cidr = parse_pattern(rest.substr(0, end));
    if (!cidr) return std::unexpected(cidr.error());
    const auto text = trim(rest.substr(end));
    if (text.empty()) return fail(Errc::invalid, "no lookup result");
    const std::uint32_t result = result_number(text);
    if (negated) {
      rules_.steps_.push_back({.kind = Kind::negated, .cidr = *cidr, .result = result});
      return {};
    }
    if (rules_.steps_.empty() || rules_.steps_.back().kind != Kind::plain) {
      rules_.steps_.push_back({.kind = Kind::plain, .result = static_cast<std::uint32_t>(rules_.indexes_.size())});
      rules_.indexes_.emplace_back();
    }
    rules_.indexes_.back().add(*cidr, result);
    return {};
  }

  static Result<Cidr> parse_pattern(std::string_view pattern) {
    if (pattern.empty()) return fail(Errc::invalid, "no address pattern");
    return parse_cidr(pattern);
  }

  std::uint32_t result_number(std::string_view text) {
    const auto [found, is_new] =
        result_numbers_.try_emplace(std::string(text), static_cast<std::uint32_t>(rules_.results_.size()));
    if (is_new) rules_.results_.emplace_back(text);
    return found->second;
  }

  CidrRules rules_;
  std::vector<std::size_t> open_blocks_;
  std::unordered_map<std::string, std::uint32_t> result_numbers_;
};

CidrRules CidrRules::parse(std::string_view text, std::string_view path, std::vector<std::string>& warnings) {
  Parser parser;
  LogicalLines lines(text, path, warnings);
  LogicalLine line;
  while (lines.next(line)) {
    if (const auto added = parser.add(line.text, line.number); !added) {
      warnings.push_back(
          fmt::format("cidr map {}, line {}: {}: skipping this rule", path, line.number, added.error().text));
    }
  }
  return parser.finish(path, warnings);
}

Lookup CidrRules::find(std::string_view key) const {
  const auto address = parse_address(key);
  if (!address) return std::nullopt;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    switch (step.kind) {
      case Kind::plain:
        if (const auto result = indexes_[step.result].find(*address)) return results_[*result];
        break;
      case Kind::negated:
        if (applies(step.cidr, true, *address)) return results_[step.result];
        break;
      case Kind::if_block:
        if (!applies(step.cidr, step.negated, *address)) i = step.block_end;
        break;
      case Kind::end_block:
        break;
    }
  }
  return std::nullopt;
}

}  // namespace waypost::tables
