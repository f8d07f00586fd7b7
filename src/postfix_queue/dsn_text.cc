#include "postfix_queue/dsn_text.h"

#include <cstdint>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "smtp/esmtp_parameters.h"

namespace waypost::postfix_queue {
namespace {

struct Orcpt {
  std::string_view type;  // with the semicolon
  std::string_view address;
};

Orcpt split_type(std::string_view text) {
  const auto semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return {"", text};
  return {text.substr(0, semicolon + 1), text.substr(semicolon + 1)};
}

constexpr std::uint32_t kReplacement = 0xfffd, kLastPoint = 0x10ffff;

// The code point that `text` begins with, taken off it. Bytes that are no UTF-8 are replacements, one each.
std::uint32_t take_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (first < 0x80) return first;
  const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4 || text.size() < more) return kReplacement;
  std::uint32_t point = first & (0x3fU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0U) != 0x80) return kReplacement;
    point = point << 6U | (byte & 0x3fU);
  }
  text.remove_prefix(more);
  return point;
}

void put_point(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
    return;
  }
  const unsigned more = point >= 0x10000 ? 3 : point >= 0x800 ? 2 : 1;
  constexpr std::uint32_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
  out.push_back(static_cast<char>(kLead[more] | point >> (6 * more)));
  for (unsigned i = more; i-- > 0;) out.push_back(static_cast<char>(0x80U | (point >> (6 * i) & 0x3fU)));
}

// RFC 6533 §3, utf-8-addr-xtext: what is not plain ASCII is \x{HEX}, which every server can take.
std::string encode_points(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto point = take_point(text);
    if (point > ' ' && point < 0x7f && point != '+' && point != '=' && point != '\\') {
      out.push_back(static_cast<char>(point));
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{{{:X}}}", point);
    }
  }
  return out;
}

std::string decode_points(std::string_view text) {
  constexpr std::string_view kBegin = "\\x{";
  std::string out;
  while (!text.empty()) {
    const auto end = text.starts_with(kBegin) ? text.find('}') : std::string_view::npos;
    const auto point =
        end == std::string_view::npos ? std::nullopt : parse_hex(text.substr(kBegin.size(), end - kBegin.size()));
    if (point && *point <= kLastPoint) {
      put_point(out, static_cast<std::uint32_t>(*point));
      text.remove_prefix(end + 1);
    } else {
      out.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::string encode_orcpt(std::string_view plain) {
  const auto [type, address] = split_type(plain);
  return std::string(type) + (iequals(type, "utf-8;") ? encode_points(address) : smtp::encode_xtext(address));
}

std::string decode_orcpt(std::string_view coded) {
  const auto [type, address] = split_type(coded);
  if (iequals(type, "utf-8;")) return std::string(type) + decode_points(address);
  return std::string(type) + smtp::decode_xtext(address).value_or(std::string(address));
}

std::string encode_envid(std::string_view plain) { return smtp::encode_xtext(plain); }

std::string decode_envid(std::string_view coded) { return smtp::decode_xtext(coded).value_or(std::string(coded)); }

}  // namespace waypost::postfix_queue
