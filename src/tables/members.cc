#include "tables/members.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tables/braces.h"
#include "tables/table_list.h"

namespace waypost::tables {
namespace {

std::unexpected<Error> bad_syntax(const TableSource& source, std::string_view item) {
  return fail(Errc::invalid,
              fmt::format("bad syntax: \"{}\"; need \"{}:{{{}...}}\"", source.name(), source.type, item));
}

}  // namespace

Result<std::vector<std::string_view>> member_words(const TableSource& source, std::string_view item) {
  const std::string_view text = source.argument;
  if (text.empty() || balanced_length(text) != text.size()) return bad_syntax(source, item);
  auto words = split_list(text.substr(1, text.size() - 2));
  if (words.empty()) return bad_syntax(source, item);
  return words;
}

Result<std::vector<std::shared_ptr<const Table>>> open_members(const TableSource& source) {
  constexpr std::string_view kItem = "type:name";
  const auto words = member_words(source, kItem);
  if (!words) return std::unexpected(words.error());
  std::vector<std::shared_ptr<const Table>> members;
  for (const auto word : *words) {
    if (word.find(':') == std::string_view::npos) return bad_syntax(source, kItem);
    members.push_back(source.open_member(word));
  }
  return members;
}

net::Task<Lookup> find_in(const Table& table, std::string key) {
  if (table.immediate()) co_return table.find(key);
  Lookup found = co_await table.find_later(std::move(key));
  co_return found;
}

MemberTable::MemberTable(std::string name, std::vector<std::shared_ptr<const Table>> members)
    : name_(std::move(name)),
      members_(std::move(members)),
      is_immediate_(std::ranges::all_of(members_, [](const auto& member) { return member->immediate(); })) {}

}  // namespace waypost::tables
