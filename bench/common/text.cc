#include "common/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>
#include <vector>

namespace waypost::bench {

namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string hex(const unsigned char* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
  return out;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
  const int size = EVP_EncodeBlock(out.data(), bytes_of(bytes), static_cast<int>(bytes.size()));
  return std::string(out.begin(), out.begin() + size);
}

std::string base64_decode(std::string_view text) {
  std::vector<unsigned char> out(text.size() + 4);
  int size = EVP_DecodeBlock(out.data(), bytes_of(text), static_cast<int>(text.size()));
  while (size > 0 && text.ends_with('=')) {
    --size;
    text.remove_suffix(1);
  }
  return size > 0 ? std::string(out.begin(), out.begin() + size) : std::string();
}

std::string sha256_hex(std::string_view first, std::string_view second) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  EVP_DigestUpdate(context.get(), first.data(), first.size());
  EVP_DigestUpdate(context.get(), second.data(), second.size());
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  return hex(digest.data(), size);
}

std::string hmac_md5_hex(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_md5(), key.data(), static_cast<int>(key.size()), bytes_of(message), message.size(), digest.data(), &size);
  return hex(digest.data(), size);
}

std::string without_received(std::string_view content) {
  std::string out;
  out.reserve(content.size());
  bool skipping = false;
  while (!content.empty()) {
    const std::size_t end = content.find("\r\n");
    const std::size_t length = end == std::string_view::npos ? content.size() : end + 2;
    const std::string_view line = content.substr(0, length);
    if (line == "\r\n") break;  // end of the header
    const bool continued = line.front() == ' ' || line.front() == '\t';
    if (!continued) skipping = starts_with_nocase(line, "Received:");
    if (!skipping) out += line;
    content.remove_prefix(length);
  }
  return out.append(content);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      const unsigned char byte = static_cast<unsigned char>(c);
      out += hex(&byte, 1);
    } else {
      out += c;
    }
  }
  return out += '"';
}

bool starts_with_nocase(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (lower(text[i]) != lower(prefix[i])) return false;
  }
  return true;
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || lower(pattern[p]) == lower(text[t]))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace waypost::bench
