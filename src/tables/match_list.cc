#include "tables/match_list.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "tables/braces.h"
#include "tables/file_io.h"
#include "tables/keys.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

constexpr std::string_view kIpv4Chars = "0123456789.";
constexpr std::string_view kIpv6Chars = "0123456789.abcdefABCDEF:";
constexpr std::string_view kNetworkChars = "0123456789.abcdefABCDEF:[]/";

bool consists_of(std::string_view text, std::string_view chars) {
  return text.find_first_not_of(chars) == std::string_view::npos;
}

bool has_colon(std::string_view text) { return text.find(':') != std::string_view::npos; }

// "type:name"; "[2001:db8::1]" is an address.
bool is_table(std::string_view item) { return !item.starts_with('[') && has_colon(item); }

// Worth a look as a network. What is not (names, plain IPv4 addresses, which match as text) must not be reported as a
// bad network.
bool may_be_network(std::string_view item) {
  return item.find_first_of(":/") != std::string_view::npos && !consists_of(item, kIpv4Chars) &&
         consists_of(item, kNetworkChars);
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
    : MatchList(
          std::move(parameter), text, [&](std::string_view type_name) { return registry.open(type_name); }, options) {}

MatchList::MatchList(std::string parameter, std::string_view text, const OpenTable& open, MatchListOptions options)
    : parameter_(std::move(parameter)), options_(options) {
  add_items(text, true, 0, open);
}

void MatchList::add_items(std::string_view text, bool match, int depth, const OpenTable& open) {
  while (const auto word = next_word(text)) {
    std::string_view item = *word;
    bool item_match = match;
    for (; item.starts_with('!'); item.remove_prefix(1)) item_match = !item_match;
    if (items_.size() >= kMaxItems) return add_broken(item, match, {"too many items"});
    if (item.empty()) {
      add_broken(item, item_match, {"no pattern after '!'"});
    } else if (item.starts_with('/')) {
      add_file(item, item_match, depth, open);
    } else if (is_table(item)) {
      items_.push_back({item_match, std::string(item), open(item)});
    } else {
      add_pattern(item, item_match);
    }
  }
}

void MatchList::add_file(std::string_view path, bool match, int depth, const OpenTable& open) {
  if (depth == kMaxFileDepth)
    return add_broken(path, match, {fmt::format("open file {}: too many nested files", path)});
  const auto text = read_whole_file(std::string(path));
  if (!text) return add_broken(path, match, {fmt::format("open file {}: {}", path, text.error().text)});
  LogicalLines lines(*text, path, problems_);
  LogicalLine line;
  while (lines.next(line)) add_items(line.text, match, depth + 1, open);
}

void MatchList::add_pattern(std::string_view text, bool match) {
  Item item{match, to_lower(text), std::monostate()};
  if (may_be_network(item.text)) {
    auto cidr = parse_cidr(item.text);
    if (!cidr) return add_broken(item.text, match, {cidr.error().text, true});
    item.what = *cidr;
  }
  items_.push_back(std::move(item));
}

void MatchList::add_broken(std::string_view text, bool match, Broken broken) {
  problems_.push_back(fmt::format("{}: {}", parameter_, broken.reason));
  items_.push_back({match, std::string(text), std::move(broken)});
}

// For everything but tables. `folded` is in lower case.
Result<bool> MatchList::pattern_matches(const Item& item, Subject subject, std::string_view folded) const {
  const auto* broken = std::get_if<Broken>(&item.what);
  if (broken != nullptr && !broken->is_network) {
    return fail(Errc::unavailable, fmt::format("{}: {}", parameter_, broken->reason));
  }
  if (subject != Subject::address) {
    if (folded == item.text) return true;
    if (subject == Subject::string) return false;
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

std::vector<Key> MatchList::table_keys(Subject subject, std::string_view folded) const {
  if (subject == Subject::domain) return domain_keys(folded, options_.parent_domains);
  return {{std::string(folded), false}};
}

net::Task<Result<bool>> MatchList::table_matches(const Table& table, std::vector<Key> keys) const {
  for (auto& key : keys) {
    if (key.partial && table.key_style() == KeyStyle::whole_only) continue;
    Lookup found;
    if (table.immediate()) {
      found = table.find(key.text);
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

net::Task<Result<bool>> MatchList::matches(Subject subject, std::string text) const {
  const std::string folded = to_lower(text);
  for (const Item& item : items_) {
    Result<bool> matched = false;
    if (const auto* table = std::get_if<std::shared_ptr<const Table>>(&item.what)) {
      Result<bool> in_table = co_await table_matches(**table, table_keys(subject, folded));
      matched = std::move(in_table);
    } else {
      matched = pattern_matches(item, subject, folded);
    }
    if (!matched) co_return matched;
    if (*matched) co_return item.match;
  }
  co_return false;
}

net::Task<Result<bool>> MatchList::matches_string(std::string text) const {
  return matches(Subject::string, std::move(text));
}

net::Task<Result<bool>> MatchList::matches_domain(std::string name) const {
  return matches(Subject::domain, std::move(name));
}

net::Task<Result<bool>> MatchList::matches_host(std::string name, std::string address) const {
  const std::string folded_name = to_lower(name), folded_address = to_lower(address);
  const bool is_address = !folded_address.empty() && consists_of(folded_address, kIpv6Chars);
  const std::pair<Subject, const std::string*> subjects[] = {
      {Subject::domain, &folded_name}, {Subject::address, is_address ? &folded_address : nullptr}};
  for (const Item& item : items_) {
    for (const auto& [subject, folded] : subjects) {
      if (folded == nullptr || folded->empty()) continue;
      Result<bool> matched = false;
      if (const auto* table = std::get_if<std::shared_ptr<const Table>>(&item.what)) {
        Result<bool> in_table = co_await table_matches(**table, table_keys(subject, *folded));
        matched = std::move(in_table);
      } else {
        matched = pattern_matches(item, subject, *folded);
      }
      if (!matched) co_return matched;
      if (*matched) co_return item.match;
    }
  }
  co_return false;
}

}  // namespace waypost::tables
