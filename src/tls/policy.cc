#include "tls/policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <openssl/ssl.h>

#include "base/text.h"

namespace waypost::tls {

namespace {

constexpr std::array<std::pair<std::string_view, Level>, 8> kLevels{{{"none", Level::none},
                                                                     {"may", Level::may},
                                                                     {"encrypt", Level::encrypt},
                                                                     {"fingerprint", Level::fingerprint},
                                                                     {"verify", Level::verify},
                                                                     {"secure", Level::secure},
                                                                     {"dane", Level::dane},
                                                                     {"dane-only", Level::dane_only}}};

struct Protocol {
  std::string_view name;
  int version;
  std::uint64_t off;
};

constexpr std::array<Protocol, 5> kProtocols{{{"SSLv3", SSL3_VERSION, SSL_OP_NO_SSLv3},
                                              {"TLSv1", TLS1_VERSION, SSL_OP_NO_TLSv1},
                                              {"TLSv1.1", TLS1_1_VERSION, SSL_OP_NO_TLSv1_1},
                                              {"TLSv1.2", TLS1_2_VERSION, SSL_OP_NO_TLSv1_2},
                                              {"TLSv1.3", TLS1_3_VERSION, SSL_OP_NO_TLSv1_3}}};

constexpr std::string_view kProtocolSeparators = ", \t\r\n:";

const Protocol* find_protocol(std::string_view name) {
  for (const Protocol& known : kProtocols) {
    if (iequals(known.name, name)) return &known;
  }
  return nullptr;
}

std::unexpected<Error> bad_word(std::string_view what, std::string_view word) {
  return fail(Errc::invalid, fmt::format("{} \"{}\"", what, printable(word, 100)));
}

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
  for (const auto& [name, level] : kLevels) {
    if (iequals(name, text)) return level;
  }
  return std::nullopt;
}

std::string_view level_name(Level level) { return kLevels[static_cast<std::size_t>(level)].first; }

Result<Protocols> parse_protocols(std::string_view list) {
  Protocols out;
  std::uint64_t included = 0;
  std::uint64_t all = 0;
  for (const Protocol& known : kProtocols) all |= known.off;
  for (const std::string_view word : split(list, kProtocolSeparators)) {
    const bool floor = word.starts_with(">=");
    const bool ceiling = word.starts_with("<=");
    const bool excluded = word.starts_with("!");
    const std::string_view name = word.substr(floor || ceiling ? 2 : excluded ? 1 : 0);
    const Protocol* const known = find_protocol(name);
    if (known == nullptr) {
      if (iequals(name, "SSLv2") && (excluded || floor)) continue;  // is never spoken
      return bad_word("unknown TLS protocol", word);
    }
    if (floor) {
      out.lowest = known->version;
    } else if (ceiling) {
      out.highest = known->version;
    } else {
      (excluded ? out.options : included) |= known->off;
    }
  }
  if (included != 0) out.options |= all & ~included;
  if ((out.options & all) == all || (out.highest != 0 && out.lowest > out.highest)) {
    return bad_word("no TLS protocol is left by", list);
  }
  return out;
}

Result<std::uint64_t> parse_ssl_options(std::string_view list) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 7> kNames{
      {{"LEGACY_SERVER_CONNECT", SSL_OP_LEGACY_SERVER_CONNECT},
       {"NO_TICKET", SSL_OP_NO_TICKET},
       {"NO_COMPRESSION", SSL_OP_NO_COMPRESSION},
       {"NO_RENEGOTIATION", SSL_OP_NO_RENEGOTIATION},
       {"NO_SESSION_RESUMPTION_ON_RENEGOTIATION", SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION},
       {"PRIORITIZE_CHACHA", SSL_OP_PRIORITIZE_CHACHA},
       {"ENABLE_MIDDLEBOX_COMPAT", SSL_OP_ENABLE_MIDDLEBOX_COMPAT}}};
  std::uint64_t out = 0;
  for (const std::string_view word : split(list, kProtocolSeparators)) {
    const auto known = std::ranges::find_if(kNames, [&](const auto& name) { return iequals(name.first, word); });
    const auto bits = istarts_with(word, "0x") ? parse_hex(word.substr(2)) : std::nullopt;
    if (known != kNames.end()) {
      out |= known->second;
    } else if (bits) {
      out |= *bits;
    } else {
      return bad_word("unknown TLS option", word);
    }
  }
  return out;
}

Result<std::string> cipher_list(std::string_view grade, std::string_view excluded, const Tuning& tuning) {
  std::string out;
  if (iequals(grade, "high")) {
    out = tuning.high;
  } else if (iequals(grade, "medium")) {
    out = tuning.medium;
  } else if (iequals(grade, "low") || iequals(grade, "export") || iequals(grade, "null")) {
    return bad_word("no longer supported TLS cipher grade", grade);
  } else {
    return bad_word("unknown TLS cipher grade", grade);
  }
  out += ":!aNULL:!eNULL";
  for (const std::string_view word : split(excluded, kProtocolSeparators)) {
    for (const char c : word) {
      // An operator character would turn an exclusion into something else.
      if (!is_alnum(c) && c != '-' && c != '_' && c != '+') return bad_word("not a TLS cipher to exclude:", word);
    }
    if (word.front() == '-' || word.front() == '+') return bad_word("not a TLS cipher to exclude:", word);
    out.append(":!").append(word);
  }
  return out;
}

}  // namespace waypost::tls
