#include "tables/ldap_quote.h"

#include <fmt/format.h>

#include <iterator>

namespace waypost::tables {
namespace {

void quote(std::string_view text, std::string_view special, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || special.find(c) != std::string_view::npos) {
      fmt::format_to(std::back_inserter(out), "\\{:02X}", byte);
    } else {
      out += c;
    }
  }
}

}  // namespace

void quote_for_dn(std::string_view text, std::string& out) { quote(text, " \"#+,;<>=\\", out); }

void quote_for_filter(std::string_view text, std::string& out) { quote(text, "*()\\", out); }

}  // namespace waypost::tables
