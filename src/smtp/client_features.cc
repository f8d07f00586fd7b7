#include "smtp/client_features.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace waypost::smtp {
namespace {

struct Flag {
  std::string_view keyword;
  bool ServerFeatures::* member;
};

constexpr std::array<Flag, 7> kFlags = {{
    {"PIPELINING", &ServerFeatures::pipelining},
    {"8BITMIME", &ServerFeatures::eight_bit_mime},
    {"STARTTLS", &ServerFeatures::starttls},
    {"DSN", &ServerFeatures::dsn},
    {"SMTPUTF8", &ServerFeatures::smtputf8},
    {"SIZE", &ServerFeatures::size},
    {"AUTH", &ServerFeatures::auth},
}};

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 6> kXforward = {{{"NAME", Xforward::kName},
                                                                                 {"ADDR", Xforward::kAddress},
                                                                                 {"PROTO", Xforward::kProtocol},
                                                                                 {"HELO", Xforward::kHelo},
                                                                                 {"IDENT", Xforward::kIdent},
                                                                                 {"SOURCE", Xforward::kSource}}};

void add_xforward(ServerFeatures& features, const std::vector<std::string_view>& words) {
  for (const auto& [name, bit] : kXforward) {
    const auto named = [&](std::string_view word) { return iequals(word, name); };
    if (std::any_of(words.begin() + 1, words.end(), named)) features.xforward |= bit;
  }
}

void add_mechanisms(ServerFeatures& features, const std::vector<std::string_view>& words) {
  for (std::size_t i = 1; i < words.size() && features.mechanisms.size() < kMaxAuthMechanisms; ++i) {
    const auto known = [&](const std::string& name) { return iequals(name, words[i]); };
    if (std::ranges::none_of(features.mechanisms, known)) features.mechanisms.emplace_back(words[i]);
  }
}

void read_size(ServerFeatures& features, std::string_view argument) {
  const auto limit = parse_number(argument);
  if (limit) {
    features.size_limit = *limit;
  } else {
    features.bad_size = argument;
  }
}

void read_keyword(ServerFeatures& features, std::string_view line, const std::vector<std::string>& discard) {
  const auto words = split(line, " \t=");
  if (words.empty()) return;
  const auto named = [&](std::string_view keyword) { return iequals(words[0], keyword); };
  if (std::ranges::any_of(discard, named)) return;
  for (const auto& flag : kFlags) {
    if (named(flag.keyword)) features.*flag.member = true;
  }
  if (named("AUTH")) add_mechanisms(features, words);
  if (named("XFORWARD")) add_xforward(features, words);
  if (named("SIZE") && words.size() > 1) read_size(features, words[1]);
}

}  // namespace

ServerFeatures parse_ehlo(std::string_view text, const std::vector<std::string>& discard) {
  ServerFeatures features;
  bool first = true;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    constexpr std::size_t kCodeAndSeparator = 4;
    const auto rest = line.substr(std::min(line.size(), kCodeAndSeparator));
    if (first) {
      const auto words = split(rest, " \t");
      if (!words.empty()) features.host = words[0];
    } else {
      read_keyword(features, rest, discard);
    }
    first = false;
  }
  if (features.smtputf8) features.eight_bit_mime = true;
  return features;
}

}  // namespace waypost::smtp
