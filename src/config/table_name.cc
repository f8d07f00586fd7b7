#include "config/table_name.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::config {

bool is_table_name(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  return std::ranges::all_of(text.substr(0, colon), [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
}

Result<TableName> parse_table_name(std::string_view text, std::string_view default_type) {
  TableName table;
  std::string_view rest = trim(text);
  while (rest.starts_with("proxy:")) {
    table.proxied = true;
    rest.remove_prefix(6);
  }
  if (is_table_name(rest)) {
    const std::size_t colon = rest.find(':');
    table.type = rest.substr(0, colon);
    table.name = rest.substr(colon + 1);
  } else {
    table.type = default_type;
    table.name = rest;
  }
  if (table.type.empty() || table.name.empty()) {
    return fail(Errc::invalid, fmt::format("bad table name \"{}\"; need \"type:name\"", printable(text)));
  }
  return table;
}

}  // namespace waypost::config
