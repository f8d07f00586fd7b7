#include "admin/api.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::admin {
namespace {

using namespace std::chrono_literals;
constexpr auto kRequestTime = 10s, kAnswerTime = 60s;

struct ActionName {
  std::string_view path;
  QueueAction action;
};
constexpr std::array kActions = {
    ActionName{"/v1/queue/remove", QueueAction::remove},   ActionName{"/v1/queue/hold", QueueAction::hold},
    ActionName{"/v1/queue/release", QueueAction::release}, ActionName{"/v1/queue/requeue", QueueAction::requeue},
    ActionName{"/v1/queue/expire", QueueAction::expire},
};

Result<Selection> parse_selection(std::string_view body) {
  Selection selection;
  for (const auto word : split(body, " \t\r\n")) {
    if (word == "ALL") {
      selection.all = true;
    } else if (const auto id = QueueId::parse(word)) {
      selection.ids.push_back(*id);
    } else {
      return fail(Errc::invalid, "invalid queue id: " + printable(word, 40) + "\n");
    }
  }
  return selection;
}

net::Task<Response> act(Commands& commands, QueueAction action, std::string body) {
  auto selection = parse_selection(body);
  if (!selection) co_return Response{400, "text/plain", selection.error().text};
  const auto changed = co_await commands.act(action, std::move(*selection));
  Response response;
  for (const auto id : changed) response.body += id.text() + "\n";
  co_return response;
}

net::Task<Response> flush(Commands& commands, const Request& request) {
  std::optional<QueueId> id;
  if (const auto text = request.parameter("id")) {
    id = QueueId::parse(*text);
    if (!id) co_return Response{400, "text/plain", "invalid queue id\n"};
  }
  co_await commands.flush(id);
  co_return Response{204};
}

net::Task<Response> reload(Commands& commands) {
  const auto outcome = co_await commands.reload();
  Response response{outcome.accepted ? 200 : 409};
  for (const auto& line : outcome.lines) response.body += line + "\n";
  co_return response;
}

net::Task<std::optional<Response>> refuse(Commands& commands, Permission permission, Caller caller) {
  if (caller.privileged) co_return std::nullopt;
  const auto name = co_await commands.refused_user(permission, caller.uid);
  if (!name) co_return Response{503, "text/plain", name.error().text + "\n"};
  if (!*name) co_return std::nullopt;
  co_return Response{403, "text/plain",
                     fmt::format("User {}({}) is not allowed to {} the mail queue\n", **name, caller.uid,
                                 permission == Permission::list ? "view" : "flush")};
}

Caller caller_of(const net::Stream& stream) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(stream.fd(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return {static_cast<uid_t>(-1), false};
  return {peer.uid, peer.uid == 0 || peer.uid == ::geteuid()};
}

}  // namespace

net::Task<Response> answer(Commands& commands, Request request, Caller caller) {
  const bool get = request.method == "GET", post = request.method == "POST";
  if (get && request.path == "/v1/status") {
    auto status = co_await commands.status();
    co_return Response{200, "application/json", std::move(status)};
  }
  if (get && request.path == "/v1/queue") {
    auto refusal = co_await refuse(commands, Permission::list, caller);
    if (refusal) co_return std::move(*refusal);
    auto listing = co_await commands.list();
    co_return Response{200, "application/x-ndjson", std::move(listing)};
  }
  if (post && request.path == "/v1/queue/flush") {
    auto refusal = co_await refuse(commands, Permission::flush, caller);
    if (refusal) co_return std::move(*refusal);
    auto response = co_await flush(commands, request);
    co_return response;
  }
  if (!post) co_return Response{404, "text/plain", "no such resource\n"};
  if (!caller.privileged) co_return Response{403, "text/plain", "only root and the mail owner may do this\n"};
  for (const auto& [path, action] : kActions) {
    if (request.path != path) continue;
    auto response = co_await act(commands, action, std::move(request.body));
    co_return response;
  }
  if (request.path == "/v1/reload") {
    auto response = co_await reload(commands);
    co_return response;
  }
  if (request.path == "/v1/stop") {
    commands.stop();
    co_return Response{204};
  }
  co_return Response{404, "text/plain", "no such resource\n"};
}

net::Task<void> serve(Commands& commands, net::Stream stream) {
  const MonoTime deadline = stream.thread().now() + kRequestTime;
  const Caller caller = caller_of(stream);
  RequestParser parser;
  std::optional<Request> request;
  while (!request) {
    const auto readable = co_await stream.wait_readable(deadline);
    if (!readable) co_return;
    const auto buffer = stream.thread().scratch();
    const auto got = co_await stream.read_some(buffer, deadline);
    if (!got) co_return;
    auto fed = parser.feed(std::string_view(buffer.data(), *got));
    if (!fed) {
      const auto refusal = format_response({400, "text/plain", fed.error().text + "\n"});
      co_await stream.write_all(refusal, deadline);
      co_return;
    }
    request = std::move(*fed);
  }
  const auto response = co_await answer(commands, std::move(*request), caller);
  const auto bytes = format_response(response);
  const MonoTime answer_deadline = stream.thread().now() + kAnswerTime;
  const auto written = co_await stream.write_all(bytes, answer_deadline);
  if (written) co_await stream.close_gracefully(answer_deadline);
}

}  // namespace waypost::admin
