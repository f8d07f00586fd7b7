// tcp:host:port: a server that is asked by tcp_table(5)'s protocol.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "tables/lookup_protocols.h"
#include "tables/remote_table.h"
#include "tables/server_link.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

constexpr std::chrono::seconds kTimeout{100};  // as tcp_table(5) promises servers

class TcpClient final : public RemoteClient {
 public:
  TcpClient(std::string place, ServerAddress server) : place_(std::move(place)), link_(std::move(server), {}) {}

  Lookup find(std::string_view key, const Patience& patience) override {
    auto answer = link_.ask(tcp::request(key), tcp::parse, patience);
    if (!answer) {
      const bool is_refused = answer.error().code == Errc::refused;
      return fail(Errc::unavailable,
                  fmt::format("{} {}: {}", is_refused ? "connect to TCP map" : "read TCP map reply from", place_,
                              answer.error().text));
    }
    if (answer->kind == ServerAnswer::Kind::not_found) return std::nullopt;
    if (answer->kind == ServerAnswer::Kind::found) return std::move(answer->text);
    // As Postfix does: the next question may find a server that is better off.
    link_.close();
    return fail(Errc::unavailable, fmt::format("tcp:{}: soft error: {}", place_, answer->text));
  }

 private:
  std::string place_;
  ServerLink link_;
};

}  // namespace

std::shared_ptr<const Table> make_tcp_table(const TableSource& source) {
  auto server = ServerAddress::parse(source.argument, source.settings.queue_directory);
  if (!server || !server->path.empty()) {
    const std::string why = server ? "no unix sockets here" : server.error().text;
    return std::make_shared<UnavailableTable>(source.name(), fmt::format("bad tcp:host:port: {}", why), source.log);
  }
  RemoteSpec spec;
  spec.name = source.name();
  spec.key_style = KeyStyle::whole_only;
  spec.fold = false;
  spec.connections = source.settings.connection_limit;
  spec.timeout = kTimeout;
  spec.make_client = [place = source.argument, server = std::move(*server)] {
    return std::make_unique<TcpClient>(place, server);
  };
  return std::make_shared<RemoteTable>(std::move(spec), source.workers, source.log);
}

}  // namespace waypost::tables
