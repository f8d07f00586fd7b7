#include "tables/match_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "tables/keys.h"
#include "tables/run_immediate.h"

namespace waypost::tables {
namespace {

constexpr std::string_view kIpv6Chars = "0123456789.abcdefABCDEF:";

bool has_colon(std::string_view text) { return text.find(':') != std::string_view::npos; }

bool is_address(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kIpv6Chars) == std::string_view::npos;
}

std::string_view without_brackets(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') return text.substr(1, text.size() - 2);
  return text;
}

bool ends_with_domain(std::string_view name, std::string_view domain) {
  return name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.';
}

}  // namespace

MatchList::MatchList(std::string parameter, std::string_view text, TableRegistry& registry, MatchListOptions options)
    : parameter_(std::move(parameter)), options_(options) {
  const auto later = registry.sibling();  // what a file names may be opened when `registry` is gone
  const auto source = std::make_shared<const MatchSource>(
      parameter_, [&registry](std::string_view name) { return registry.open(name); },
      [later](std::string_view name) { return later->open(name); }, registry.log(), registry.clock());
  items_ = MatchItems::parse(text, source);
  problems_ = items_->problems();
  const auto more = later->problems();
  problems_.insert(problems_.end(), more.begin(), more.end());
}

MatchList::MatchList(std::string parameter, std::string_view text, const TableSource& source, MatchListOptions options)
    : parameter_(std::move(parameter)), options_(options) {
  items_ =
      MatchItems::parse(text, std::make_shared<const MatchSource>(parameter_, source.open_member, source.open_member,
                                                                  source.log, source.clock, false));
  problems_ = items_->problems();
}

// For everything but tables and files.
Result<bool> MatchList::pattern_matches(const MatchItem& item, const Query& query) const {
  const auto* broken = std::get_if<BrokenItem>(&item.what);
  if (broken != nullptr && !broken->is_network) {
    return fail(Errc::unavailable, fmt::format("{}: {}", parameter_, broken->reason));
  }
  const auto folded = query.folded;
  if (query.subject != Subject::address) {
    if (folded == item.text) return true;
    if (query.subject == Subject::string) return false;
    return options_.parent_domains
               ? ends_with_domain(folded, item.text)
               : item.text.starts_with('.') && folded.size() > item.text.size() && folded.ends_with(item.text);
  }
  if (folded == without_brackets(item.text)) return true;
  if (broken != nullptr) {
    if (has_colon(folded) != has_colon(item.text)) return false;
    return fail(Errc::unavailable, fmt::format("{}: {}", parameter_, broken->reason));
  }
  const auto* cidr = std::get_if<Cidr>(&item.what);
  const auto address = parse_address(folded);
  return cidr != nullptr && address && cidr->contains(*address);
}

std::vector<Key> MatchList::table_keys(const Query& query) const {
  if (query.subject == Subject::domain) return domain_keys(query.folded, options_.parent_domains);
  return {{std::string(query.folded), false}};
}

bool MatchList::immediate() const {
  return items_ == nullptr || std::ranges::all_of(items_->items(), [](const MatchItem& item) {
           const auto* table = std::get_if<std::shared_ptr<const Table>>(&item.what);
           return table == nullptr || (*table)->immediate();
         });
}

net::Task<Result<bool>> MatchList::table_matches(const Table& table, const Query& query) const {
  for (auto& key : table_keys(query)) {
    if (key.partial && table.key_style() == KeyStyle::whole_only) continue;
    Lookup found;
    if (table.immediate()) {
      found = table.find(key.text);
    } else if (query.at_once) {
      found = fail(Errc::unavailable, "cannot wait for an answer");
    } else {
      Lookup later = co_await table.find_later(std::move(key.text));
      found = std::move(later);
    }
    if (!found) {
      co_return fail(Errc::unavailable, fmt::format("{}: {}: table lookup problem", parameter_, table.name()));
    }
    if (found->has_value()) co_return true;
  }
  co_return false;
}

net::Task<MatchList::Decision> MatchList::decide_in(const ListFile& file, std::span<const Query> queries) const {
  const auto items = file.items();
  if (!items) co_return fail(Errc::unavailable, file.problem());
  Decision decision = co_await decide(*items, queries);
  co_return decision;
}

// Item by item, each for all that is looked for.
net::Task<MatchList::Decision> MatchList::decide(const MatchItems& items, std::span<const Query> queries) const {
  for (const MatchItem& item : items.items()) {
    if (const auto* file = std::get_if<std::shared_ptr<const ListFile>>(&item.what)) {
      const Decision decision = co_await decide_in(**file, queries);
      if (!decision) co_return decision;
      if (*decision) co_return **decision == item.match;
      continue;
    }
    for (const Query& query : queries) {
      if (query.folded.empty()) continue;
      Result<bool> matched = false;
      if (const auto* table = std::get_if<std::shared_ptr<const Table>>(&item.what)) {
        Result<bool> in_table = co_await table_matches(**table, query);
        matched = std::move(in_table);
      } else {
        matched = pattern_matches(item, query);
      }
      if (!matched) co_return std::unexpected(matched.error());
      if (*matched) co_return item.match;
    }
  }
  co_return std::nullopt;
}

net::Task<Result<bool>> MatchList::matches(std::span<const Query> queries) const {
  if (!items_) co_return false;
  const Decision decision = co_await decide(*items_, queries);
  if (!decision) co_return std::unexpected(decision.error());
  co_return decision->value_or(false);
}

net::Task<Result<bool>> MatchList::matches_string(std::string text) const {
  const std::string folded = to_lower(text);
  const std::array queries = {Query{Subject::string, folded}};
  Result<bool> matched = co_await matches(queries);
  co_return matched;
}

Result<bool> MatchList::matches_string_at_once(std::string text) const {
  const std::string folded = to_lower(text);
  const std::array queries = {Query{Subject::string, folded, true}};
  return run_immediate(matches(queries));
}

net::Task<Result<bool>> MatchList::matches_domain(std::string name) const {
  const std::string folded = to_lower(name);
  const std::array queries = {Query{Subject::domain, folded}};
  Result<bool> matched = co_await matches(queries);
  co_return matched;
}

net::Task<Result<bool>> MatchList::matches_host(std::string name, std::string address) const {
  const std::string folded_name = to_lower(name), folded_address = to_lower(address);
  const std::array queries = {
      Query{Subject::domain, folded_name},
      Query{Subject::address, is_address(folded_address) ? folded_address : std::string_view()}};
  Result<bool> matched = co_await matches(queries);
  co_return matched;
}

}  // namespace waypost::tables
