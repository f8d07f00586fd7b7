#include "tools/sendmail_message.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "mail/address_list.h"

namespace waypost::tools {
namespace {

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

struct Header {
  std::string_view name;
  std::string value;  // unfolded
};

// The next header of `text`; nullopt at the end of the headers.
std::optional<Header> take_header(std::string_view& text) {
  const auto line = take_line(text);
  const auto colon = line.find(':');
  if (line.empty() || colon == 0 || colon == std::string_view::npos) return std::nullopt;
  Header header{trim_right(line.substr(0, colon)), std::string(line.substr(colon + 1))};
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) header.value += take_line(text);
  return header;
}

constexpr std::array<std::string_view, 3> kRecipientHeaders = {"To", "Cc", "Bcc"};

bool names_recipients(std::string_view name) {
  return std::ranges::any_of(kRecipientHeaders, [&](std::string_view known) { return iequals(name, known); });
}

}  // namespace

std::string_view until_dot_line(std::string_view text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto start = text.size() - rest.size();
    if (take_line(rest) == ".") return text.substr(0, start);
  }
  return text;
}

std::vector<std::string> header_recipients(std::string_view message) {
  constexpr std::string_view kResent = "Resent-";
  std::vector<std::string> plain, resent;
  bool has_resent = false;
  if (message.starts_with("From ")) take_line(message);  // an mbox separator, as some programs send it
  while (const auto header = take_header(message)) {
    const bool is_resent = istarts_with(header->name, kResent);
    const auto name = is_resent ? header->name.substr(kResent.size()) : header->name;
    has_resent |= is_resent;
    if (!names_recipients(name)) continue;
    auto& into = is_resent ? resent : plain;
    for (auto& address : mail::addresses_in(header->value)) into.push_back(std::move(address));
  }
  return has_resent ? resent : plain;
}

}  // namespace waypost::tools
