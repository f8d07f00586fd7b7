#include "admin/http.h"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::admin {
namespace http = boost::beast::http;
namespace {

// RFC 3986 §2.1; a malformed escape is kept as it stands.
std::string url_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      if (const auto value = parse_hex(text.substr(i + 1, 2))) {
        out += static_cast<char>(*value);
        i += 2;
        continue;
      }
    }
    out += text[i] == '+' ? ' ' : text[i];
  }
  return out;
}

void split_target(std::string_view target, Request& request) {
  const auto mark = target.find('?');
  request.path = url_decode(target.substr(0, mark));
  if (mark == std::string_view::npos) return;
  for (const auto pair : split(target.substr(mark + 1), "&")) {
    const auto equals = pair.find('=');
    const auto value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    request.query.emplace_back(url_decode(pair.substr(0, equals)), url_decode(value));
  }
}

std::string_view reason_phrase(int status) {
  const auto text = http::obsolete_reason(static_cast<http::status>(status));
  return {text.data(), text.size()};
}

}  // namespace

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

struct RequestParser::State {
  http::request_parser<http::string_body> parser;
  std::string pending;  // bytes the parser could not use yet: an unfinished header line
};

RequestParser::RequestParser() : state_(std::make_unique<State>()) {
  state_->parser.eager(true);
  state_->parser.header_limit(kMaxRequestHeader);
  state_->parser.body_limit(kMaxRequestBody);
}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

Result<std::optional<Request>> RequestParser::feed(std::string_view bytes) {
  auto& [parser, pending] = *state_;
  pending.append(bytes);
  boost::system::error_code error;
  const std::size_t used = parser.put(boost::asio::const_buffer(pending.data(), pending.size()), error);
  pending.erase(0, used);
  if (error && error != http::error::need_more)
    return fail(Errc::invalid, "malformed HTTP request: " + error.message());
  if (!parser.is_done()) return std::optional<Request>();
  auto message = parser.release();
  Request request;
  request.method = std::string(message.method_string());
  split_target(std::string_view(message.target().data(), message.target().size()), request);
  request.body = std::move(message.body());
  return std::optional(std::move(request));
}

std::string format_response(const Response& response) {
  return fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                     response.status, reason_phrase(response.status), response.type, response.body.size(),
                     response.body);
}

std::string format_request(std::string_view method, std::string_view target, std::string_view body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: "
      "close\r\n\r\n{}",
      method, target, body.size(), body);
}

std::string url_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace waypost::admin
