// `type:name`, the way values name lookup tables. Syntax only; module tables opens them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::config {

struct TableName {
  std::string type;      // "hash", "inline", ...; never "proxy"
  std::string name;      // what follows: a path, a {} body, a server definition
  bool proxied = false;  // was written proxy:type:name; Waypost opens it directly

  // "hash:/etc/postfix/sasl_passwd", as messages name it.
  std::string text() const { return type + ":" + name; }
};

// A bare name has the type `default_type`; when that is empty too it is Errc::invalid.
Result<TableName> parse_table_name(std::string_view text, std::string_view default_type = {});

// Whether a list item looks like a table: letters, digits, '-', '_' before a colon, and not an IPv6 address in [].
bool is_table_name(std::string_view text);

}  // namespace waypost::config
