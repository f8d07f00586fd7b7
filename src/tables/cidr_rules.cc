#include "tables/cidr_rules.h"

#include <fmt/format.h>

#include "base/text.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

bool is_keyword(std::string_view line, std::string_view keyword) {
  return istarts_with(line, keyword) && (line.size() == keyword.size() || !is_alnum(line[keyword.size()]));
}

// Takes "! ! " off the front: true when what remains is negated.
bool take_negations(std::string_view& text) {
  bool negated = false;
  while (!text.empty() && (text.front() == '!' || is_space(text.front()))) {
    if (text.front() == '!') negated = !negated;
    text.remove_prefix(1);
  }
  return negated;
}

}  // namespace

// A negated pattern still speaks of its own address family only.
bool CidrRules::Rule::applies(const Address& address) const {
  return address.v6 == cidr.network.v6 && cidr.contains(address) != negated;
}

Result<CidrRules::Rule> CidrRules::parse_rule(std::string_view line, std::size_t nesting) {
  Rule rule;
  std::string_view rest = line;
  if (is_keyword(line, "endif")) {
    if (!trim(line.substr(5)).empty()) return fail(Errc::invalid, "garbage after ENDIF");
    if (nesting == 0) return fail(Errc::invalid, "ENDIF without IF");
    rule.kind = Kind::end_block;
    return rule;
  }
  if (is_keyword(line, "if")) {
    if (nesting == kMaxNesting) return fail(Errc::invalid, "too many nested IFs");
    rule.kind = Kind::if_block;
    rest = line.substr(2);
  }
  rule.negated = take_negations(rest);
  rest = trim_right(rest);
  std::size_t end = rest.size();
  if (rule.kind == Kind::match) {
    end = 0;
    while (end < rest.size() && !is_space(rest[end])) ++end;
  }
  const auto pattern = rest.substr(0, end);
  const auto result = trim(rest.substr(end));
  if (pattern.empty()) return fail(Errc::invalid, "no address pattern");
  const auto cidr = parse_cidr(pattern);
  if (!cidr) return std::unexpected(cidr.error());
  rule.cidr = *cidr;
  if (rule.kind == Kind::if_block) return rule;
  if (result.empty()) return fail(Errc::invalid, "no lookup result");
  if (results_.size() + result.size() >= UINT32_MAX) return fail(Errc::invalid, "table too large");
  rule.result = static_cast<std::uint32_t>(results_.size());
  rule.result_size = static_cast<std::uint32_t>(result.size());
  results_ += result;
  return rule;
}

CidrRules CidrRules::parse(std::string_view text, std::string_view path, std::vector<std::string>& warnings) {
  CidrRules rules;
  std::vector<std::size_t> open_blocks;
  LogicalLines lines(text, path, warnings);
  LogicalLine line;
  while (lines.next(line)) {
    auto rule = rules.parse_rule(line.text, open_blocks.size());
    if (!rule) {
      warnings.push_back(
          fmt::format("cidr map {}, line {}: {}: skipping this rule", path, line.number, rule.error().text));
      continue;
    }
    rule->line = line.number;
    if (rule->kind == Kind::if_block) open_blocks.push_back(rules.rules_.size());
    if (rule->kind == Kind::end_block) {
      rules.rules_[open_blocks.back()].block_end = static_cast<std::uint32_t>(rules.rules_.size());
      open_blocks.pop_back();
    }
    rules.rules_.push_back(*rule);
  }
  for (; !open_blocks.empty(); open_blocks.pop_back()) {
    auto& block = rules.rules_[open_blocks.back()];
    block.block_end = static_cast<std::uint32_t>(rules.rules_.size());
    warnings.push_back(fmt::format("cidr map {}, line {}: IF has no matching ENDIF", path, block.line));
  }
  return rules;
}

Lookup CidrRules::find(std::string_view key) const {
  const auto address = parse_address(key);
  if (!address) return std::nullopt;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& rule = rules_[i];
    if (rule.kind == Kind::end_block) continue;
    const bool applies = rule.applies(*address);
    if (rule.kind == Kind::if_block && !applies) {
      i = rule.block_end;
    } else if (rule.kind == Kind::match && applies) {
      return results_.substr(rule.result, rule.result_size);
    }
  }
  return std::nullopt;
}

}  // namespace waypost::tables
