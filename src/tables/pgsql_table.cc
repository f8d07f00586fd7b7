// pgsql:/x.cf, on libpq: pgsql_table(5).
#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "tables/defined_table.h"
#include "tables/server_socket.h"
#include "tables/sql_lookup.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

struct PgsqlSettings {
  SqlQuery query;
  std::string user, dbname, encoding;
  Secret password;
};

struct FinishConnection {
  void operator()(PGconn* connection) const { ::PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;
struct FreeOptions {
  void operator()(PQconninfoOption* options) const { ::PQconninfoFree(options); }
};
using OptionsHandle = std::unique_ptr<PQconninfoOption, FreeOptions>;

void ignore_notice(void*, const char*) {}

class PgsqlConnection final : public SqlConnection {
 public:
  explicit PgsqlConnection(std::shared_ptr<const PgsqlSettings> settings) : settings_(std::move(settings)) {}

  bool is_open() const override { return connection_ != nullptr; }
  void close() override { connection_.reset(); }
  Result<> open(const SqlHost& host, const Patience& patience) override;
  Lookup find(std::string_view key, const Patience& patience) override;

 private:
  Result<> send(const std::string& query, const Patience& patience);
  // The next result; null at the end.
  Result<ResultHandle> next(const Patience& patience);
  Result<std::string> quoted_query(std::string_view key) const;
  std::unexpected<Error> failed(std::string_view reason) const;
  std::string problem() const { return one_line(::PQerrorMessage(connection_.get())); }

  std::shared_ptr<const PgsqlSettings> settings_;
  std::unique_ptr<PGconn, FinishConnection> connection_;
  std::string host_;
};

Result<> PgsqlConnection::open(const SqlHost& host, const Patience& patience) {
  const std::string password(settings_->password.reveal());
  const bool is_uri = host.kind == SqlHost::Kind::uri;
  std::array<const char*, 7> names = {"client_encoding", "dbname", "host", "port", "user", "password", nullptr};
  if (is_uri) names[2] = nullptr;
  const std::array<const char*, 7> values = {settings_->encoding.c_str(),
                                             is_uri ? host.name.c_str() : settings_->dbname.c_str(),
                                             host.name.c_str(),
                                             host.port.c_str(),
                                             settings_->user.c_str(),
                                             password.c_str(),
                                             nullptr};
  host_ = host.text;
  connection_.reset(::PQconnectStartParams(names.data(), values.data(), is_uri ? 1 : 0));
  if (connection_ == nullptr) return fail(Errc::unavailable, "out of memory");
  ::PQsetNoticeProcessor(connection_.get(), ignore_notice, nullptr);
  auto state = ::PQstatus(connection_.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) return fail(Errc::unavailable, problem());
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (const auto ready = patience.wait(::PQsocket(connection_.get()), events); !ready) {
      return std::unexpected(ready.error());
    }
    state = ::PQconnectPoll(connection_.get());
  }
  if (::PQsetnonblocking(connection_.get(), 1) != 0) return fail(Errc::unavailable, problem());
  return {};
}

std::unexpected<Error> PgsqlConnection::failed(std::string_view reason) const {
  return fail(Errc::unavailable, fmt::format("pgsql query failed: fatal error from host {}: {}", host_, reason));
}

Result<std::string> PgsqlConnection::quoted_query(std::string_view key) const {
  int error = 0;
  auto query = settings_->query.query.expand_query(key, [&](std::string_view text, std::string& out) {
    const std::size_t before = out.size();
    out.resize(before + 2 * text.size() + 1);
    int is_bad = 0;
    const auto written =
        ::PQescapeStringConn(connection_.get(), out.data() + before, text.data(), text.size(), &is_bad);
    out.resize(before + written);
    error |= is_bad;
  });
  if (error != 0) return failed(fmt::format("cannot escape input string: {}", problem()));
  return query;
}

Result<> PgsqlConnection::send(const std::string& query, const Patience& patience) {
  if (::PQsendQuery(connection_.get(), query.c_str()) != 1) return failed(problem());
  ::PQsetSingleRowMode(connection_.get());  // so that an endless answer ends at our limit
  while (true) {
    const int more = ::PQflush(connection_.get());
    if (more < 0) return failed(problem());
    if (more == 0) return {};
    const auto ready = patience.wait(::PQsocket(connection_.get()), POLLIN | POLLOUT);
    if (!ready) return failed(ready.error().text);
    if ((*ready & POLLIN) != 0 && ::PQconsumeInput(connection_.get()) != 1) return failed(problem());
  }
}

Result<ResultHandle> PgsqlConnection::next(const Patience& patience) {
  while (::PQisBusy(connection_.get()) != 0) {
    if (const auto ready = patience.wait(::PQsocket(connection_.get()), POLLIN); !ready) {
      return failed(ready.error().text);
    }
    if (::PQconsumeInput(connection_.get()) != 1) return failed(problem());
  }
  return ResultHandle(::PQgetResult(connection_.get()));
}

// Of several statements the last one's rows count, as with PQexec.
Lookup PgsqlConnection::find(std::string_view key, const Patience& patience) {
  const auto query = quoted_query(key);
  if (!query) return std::unexpected(query.error());
  if (const auto sent = send(*query, patience); !sent) return std::unexpected(sent.error());
  ValueList values(settings_->query.result_format, settings_->query.expansion_limit, key);
  bool is_complete = false;  // the rows so far are those of a statement that ended
  while (true) {
    const auto result = next(patience);
    if (!result) return std::unexpected(result.error());
    if (*result == nullptr) return values.take();
    const auto status = ::PQresultStatus(result->get());
    if (status != PGRES_SINGLE_TUPLE && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      return failed(one_line(::PQresultErrorMessage(result->get())));
    }
    if (std::exchange(is_complete, status != PGRES_SINGLE_TUPLE)) values.clear();
    for (int row = 0; row < ::PQntuples(result->get()); ++row) {
      for (int column = 0; column < ::PQnfields(result->get()); ++column) {
        if (::PQgetisnull(result->get(), row, column) != 0) continue;
        const auto length = static_cast<std::size_t>(::PQgetlength(result->get(), row, column));
        const auto added = values.add({::PQgetvalue(result->get(), row, column), length});
        if (!added) return fail(Errc::unavailable, fmt::format("{}: {}", settings_->query.table, added.error().text));
      }
    }
  }
}

// "postgresql://...", "unix:/path", "inet:host:port", "/path", "host:port", "host".
SqlHost parse_host(std::string_view text) {
  constexpr std::string_view kUnix = "unix:", kInet = "inet:", kScheme = "://";
  SqlHost host;
  host.text = host.name = text;
  if (const auto scheme = text.find(kScheme); scheme != std::string_view::npos) {
    host.kind = SqlHost::Kind::uri;
    // "//user:password@host" without the password.
    const auto user = scheme + kScheme.size();
    const auto at = text.rfind('@'), colon = text.find(':', user);
    if (at != std::string_view::npos && colon < at)
      host.text = fmt::format("{}{}", text.substr(0, colon), text.substr(at));
    const auto query = host.text.find('?');
    if (query != std::string::npos) host.text.resize(query);
    return host;
  }
  if (text.starts_with(kUnix) || text.starts_with(kInet)) text.remove_prefix(kUnix.size());
  host.name = text;
  if (text.empty() || text.front() == '/') {
    host.kind = SqlHost::Kind::unix_socket;
  } else if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    host.name = without_brackets(text.substr(0, colon));
    host.port = text.substr(colon + 1);
  }
  return host;
}

Result<> read_pgsql(TableDefinition& definition, const TableSource& source, RemoteSpec& spec) {
  auto query = SqlQuery::read(definition, source.name());
  if (!query) return std::unexpected(query.error());
  read_sql_limits(definition, *query, spec);
  std::vector<SqlHost> hosts;
  for (const auto& host : definition.list("hosts")) hosts.push_back(parse_host(host));
  if (hosts.empty()) hosts.push_back(parse_host("localhost"));
  const auto settings =
      std::make_shared<const PgsqlSettings>(std::move(*query), definition.text("user"), definition.text("dbname"),
                                            definition.text("encoding", "UTF8"), definition.secret("password"));
  // What libpq says about a URI that it cannot take apart repeats it, with the password.
  for (const auto& host : hosts) {
    if (host.kind != SqlHost::Kind::uri) continue;
    const OptionsHandle options(::PQconninfoParse(host.name.c_str(), nullptr));
    if (options == nullptr)
      return fail(Errc::invalid, fmt::format("{}: malformed URI in hosts: {}", source.name(), host.text));
  }
  const auto named = std::ranges::find_if(hosts, [](const auto& host) { return host.kind != SqlHost::Kind::uri; });
  if (settings->dbname.empty() && named != hosts.end()) {
    return fail(Errc::invalid, fmt::format("{} host target '{}' requires dbname setting", source.name(), named->text));
  }
  const auto servers = std::make_shared<SqlHosts>(
      source.type, std::move(hosts), std::chrono::seconds(definition.number("retry_interval", 60, 1)), source.log);
  spec.make_client = [settings, servers] {
    return std::make_unique<SqlClient>("pgsql", servers, std::make_unique<PgsqlConnection>(settings));
  };
  return {};
}

}  // namespace

std::shared_ptr<const Table> make_pgsql_table(const TableSource& source) {
  return make_defined_table(
      source, [&](TableDefinition& definition, RemoteSpec& spec) { return read_pgsql(definition, source, spec); });
}

}  // namespace waypost::tables
