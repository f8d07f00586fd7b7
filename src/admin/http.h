// HTTP/1.1 as the control API needs it: one request, one answer, then the connection closes. Pure: bytes in, values
// out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace waypost::admin {

inline constexpr std::size_t kMaxRequestHeader = 8 * 1024;
inline constexpr std::size_t kMaxRequestBody = 4 * 1024 * 1024;  // a list of some 200,000 queue ids

struct Request {
  std::string method;  // GET, POST
  std::string path;    // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;
  std::string body;

  std::optional<std::string> parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

// Collects a request from the bytes of a connection.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  // The request when it is whole, nullopt when more bytes are needed. Errc::invalid: malformed or over a limit (answer
  // 400).
  Result<std::optional<Request>> feed(std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The bytes of the answer, with Connection: close.
std::string format_response(const Response& response);
// The bytes of a request, for the tools.
std::string format_request(std::string_view method, std::string_view target, std::string_view body);
// %XX for everything but unreserved characters (RFC 3986 §2.3).
std::string url_encode(std::string_view text);

}  // namespace waypost::admin
