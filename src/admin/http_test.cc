#include "admin/http.h"

#include <gtest/gtest.h>

namespace waypost::admin {
namespace {

TEST(RequestParser, TakesARequestInAnyPieces) {
  const auto bytes = format_request("POST", "/v1/queue/hold?reason=" + url_encode("a b&c"), "B23C5606\nB23C5607\n");
  for (std::size_t step = 1; step <= bytes.size(); step += 7) {
    RequestParser parser;
    std::optional<Request> request;
    for (std::size_t i = 0; i < bytes.size() && !request; i += step) {
      auto fed = parser.feed(std::string_view(bytes).substr(i, step));
      ASSERT_TRUE(fed) << fed.error().text;
      request = std::move(*fed);
    }
    ASSERT_TRUE(request) << "step " << step;
    EXPECT_EQ(request->method, "POST");
    EXPECT_EQ(request->path, "/v1/queue/hold");
    EXPECT_EQ(request->parameter("reason"), "a b&c");
    EXPECT_EQ(request->body, "B23C5606\nB23C5607\n");
  }
}

TEST(RequestParser, RefusesGarbage) {
  RequestParser parser;
  EXPECT_FALSE(parser.feed("EHLO me\r\n\r\n"));
}

TEST(RequestParser, LimitsHeaderAndBody) {
  RequestParser header;
  EXPECT_FALSE(header.feed("GET / HTTP/1.1\r\nX: " + std::string(kMaxRequestHeader, 'x') + "\r\n\r\n"));
  RequestParser body;
  EXPECT_FALSE(body.feed("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(kMaxRequestBody + 1) + "\r\n\r\n"));
}

TEST(Response, StatesItsLength) {
  EXPECT_EQ(format_response({404, "text/plain", "no such thing\n"}),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 14\r\nConnection: close\r\n\r\nno "
            "such thing\n");
}

}  // namespace
}  // namespace waypost::admin
