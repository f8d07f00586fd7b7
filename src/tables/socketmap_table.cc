// socketmap:inet:host:port:name and socketmap:unix:path:name: a server that is asked by socketmap_table(5)'s protocol.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "base/text.h"
#include "tables/lookup_protocols.h"
#include "tables/remote_table.h"
#include "tables/server_link.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

constexpr std::chrono::seconds kTimeout{100};  // as socketmap_table(5) promises servers
constexpr ServerLink::Limits kReuse{.idle = std::chrono::seconds(10), .age = std::chrono::seconds(100)};

struct SocketmapSettings {
  std::string table;  // "socketmap:inet:host:port:name"
  std::string map_name;
  ServerAddress server;
  std::size_t max_query = 0, max_reply = 0;
  Log log;
};

// In Postfix's words.
std::string reason_of(const Error& error) {
  if (error.code == Errc::closed) return "unexpected disconnect";
  if (error.code == Errc::timeout) return "time limit exceeded";
  return error.text;
}

class SocketmapClient final : public RemoteClient {
 public:
  explicit SocketmapClient(std::shared_ptr<const SocketmapSettings> settings)
      : settings_(std::move(settings)), link_(settings_->server, kReuse) {}

  Lookup find(std::string_view key, const Patience& patience) override {
    const auto& table = settings_->table;
    if (key.size() > settings_->max_query) {
      settings_->log.warning("table {} query too large: '{}', returning 'not found'", table, printable(key, 100));
      return std::nullopt;
    }
    const auto parse = [this](std::string_view received) { return socketmap::parse(received, settings_->max_reply); };
    auto answer = link_.ask(socketmap::request(settings_->map_name, key), parse, patience);
    if (!answer)
      return fail(Errc::unavailable, fmt::format("table {} lookup error: {}", table, reason_of(answer.error())));
    if (answer->kind == ServerAnswer::Kind::found) return std::move(answer->text);
    if (answer->kind == ServerAnswer::Kind::not_found) return std::nullopt;
    return fail(Errc::unavailable, fmt::format("{} socketmap server {}", table, answer->text));
  }

 private:
  std::shared_ptr<const SocketmapSettings> settings_;
  ServerLink link_;
};

}  // namespace

std::shared_ptr<const Table> make_socketmap_table(const TableSource& source) {
  const auto& argument = source.argument;
  const auto colon = argument.rfind(':');
  Result<ServerAddress> server = fail(Errc::invalid, "socketmap requires server:socketmap argument");
  if (colon != std::string::npos && colon + 1 < argument.size()) {
    server = ServerAddress::parse(std::string_view(argument).substr(0, colon), source.settings.queue_directory);
  }
  if (!server) return std::make_shared<UnavailableTable>(source.name(), server.error().text, source.log);
  RemoteSpec spec;
  spec.name = source.name();
  spec.key_style = KeyStyle::whole_only;
  spec.fold = false;
  spec.connections = source.settings.connection_limit;
  spec.timeout = kTimeout;
  spec.idle = kReuse.idle;
  const auto settings = std::make_shared<const SocketmapSettings>(
      source.name(), argument.substr(colon + 1), std::move(*server), source.settings.socketmap_max_query_size,
      source.settings.socketmap_max_reply_size, source.log);
  spec.make_client = [settings] { return std::make_unique<SocketmapClient>(settings); };
  return std::make_shared<RemoteTable>(std::move(spec), source.workers, source.log);
}

}  // namespace waypost::tables
