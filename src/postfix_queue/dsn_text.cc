#include "postfix_queue/dsn_text.h"

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

}  // namespace

std::string encode_orcpt(std::string_view plain) {
  const auto [type, address] = split_type(plain);
  if (iequals(type, "utf-8;")) return std::string(plain);
  return std::string(type) + smtp::encode_xtext(address);
}

std::string decode_orcpt(std::string_view coded) {
  const auto [type, address] = split_type(coded);
  if (iequals(type, "utf-8;")) return std::string(coded);
  return std::string(type) + smtp::decode_xtext(address).value_or(std::string(address));
}

std::string encode_envid(std::string_view plain) { return smtp::encode_xtext(plain); }

std::string decode_envid(std::string_view coded) { return smtp::decode_xtext(coded).value_or(std::string(coded)); }

}  // namespace waypost::postfix_queue
