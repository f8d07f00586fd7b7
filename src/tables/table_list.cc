#include "tables/table_list.h"

#include <utility>

#include "tables/braces.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kMaxLoggedKey = 100;

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> words;
  while (const auto word = next_word(text)) words.push_back(*word);
  return words;
}

TableList::TableList(std::string_view text, TableRegistry& registry) : log_(std::make_shared<Log>(registry.log())) {
  for (const auto word : split_list(text)) tables_.push_back(registry.open(word));
}

net::Task<Lookup> TableList::find(Key key) const {
  for (const auto& table : tables_) {
    if (key.partial && table->key_style() == KeyStyle::whole_only) continue;
    Lookup found;
    if (table->immediate()) {
      found = table->find(key.text);
    } else {
      Lookup later = co_await table->find_later(key.text);
      found = std::move(later);
    }
    if (!found) {
      log_->warning("{} lookup error for \"{}\"", table->name(), std::string_view(key.text).substr(0, kMaxLoggedKey));
      co_return found;
    }
    if (found->has_value()) co_return found;
  }
  co_return std::optional<std::string>();
}

net::Task<Lookup> TableList::find_first(std::vector<Key> keys) const {
  for (auto& key : keys) {
    Lookup found = co_await find(std::move(key));
    if (!found || found->has_value()) co_return found;
  }
  co_return std::optional<std::string>();
}

}  // namespace waypost::tables
