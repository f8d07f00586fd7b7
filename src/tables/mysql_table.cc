// mysql:/x.cf, on libmariadb's calls that do not block: mysql_table(5).
#include <fmt/format.h>
#include <mysql.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <mutex>
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

// The library runs each call on a stack of its own, and the system's resolver on that: its default is scarce.
constexpr std::size_t kStackBytes = 256 * 1024;

struct MysqlSettings {
  SqlQuery query;
  std::string user, dbname, charset;
  Secret password;
  std::string option_file, option_group;
  std::string tls_key_file, tls_cert_file, tls_ca_file, tls_ca_path, tls_ciphers;
  std::optional<bool> tls_verify_cert;
  bool require_result_set = true;
};

// Whatever is under way fails at once now: saying goodbye and reading the rest of an answer do not wait.
void cut_off(MYSQL* connection) {
  if (const auto fd = ::mysql_get_socket(connection); fd != MARIADB_INVALID_SOCKET) ::shutdown(fd, SHUT_RDWR);
}

struct CloseConnection {
  void operator()(MYSQL* connection) const {
    cut_off(connection);
    ::mysql_close(connection);
  }
};
struct FreeResult {
  void operator()(MYSQL_RES* result) const { ::mysql_free_result(result); }
};
using ResultHandle = std::unique_ptr<MYSQL_RES, FreeResult>;

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

class MysqlConnection final : public SqlConnection {
 public:
  explicit MysqlConnection(std::shared_ptr<const MysqlSettings> settings) : settings_(std::move(settings)) {}

  bool is_open() const override { return connection_ != nullptr; }
  void close() override { connection_.reset(); }
  Result<> open(const SqlHost& host, const Patience& patience) override;
  Lookup find(std::string_view key, const Patience& patience) override;

 private:
  void set_options();
  Result<std::string> quoted_query(std::string_view key) const;
  Result<> fetch_rows(MYSQL_RES* result, ValueList& values, const Patience& patience);
  std::unexpected<Error> failed(std::string_view reason) const {
    return fail(Errc::unavailable, fmt::format("{}: query failed: {}", settings_->query.table, reason));
  }
  std::string problem() const { return one_line(::mysql_error(connection_.get())); }

  // What the library waits for. Answers in its terms what came.
  Result<int> wait(int wanted, const Patience& patience) const;
  // One call of the library, from its start to its end.
  template <class Start, class Continue>
  Result<> run(const Patience& patience, Start start, Continue go_on) const {
    for (int wanted = start(); wanted != 0;) {
      const auto came = wait(wanted, patience);
      if (!came) return std::unexpected(came.error());
      wanted = go_on(*came);
    }
    return {};
  }

  std::shared_ptr<const MysqlSettings> settings_;
  std::unique_ptr<MYSQL, CloseConnection> connection_;
};

Result<int> MysqlConnection::wait(int wanted, const Patience& patience) const {
  short events = 0;
  if ((wanted & MYSQL_WAIT_READ) != 0) events |= POLLIN;
  if ((wanted & MYSQL_WAIT_WRITE) != 0) events |= POLLOUT;
  if ((wanted & MYSQL_WAIT_EXCEPT) != 0) events |= POLLPRI;
  const auto ready = patience.wait(::mysql_get_socket(connection_.get()), events);
  if (!ready) return std::unexpected(ready.error());
  int came = 0;
  if ((*ready & (POLLIN | POLLHUP | POLLERR)) != 0) came |= MYSQL_WAIT_READ;
  if ((*ready & (POLLOUT | POLLHUP | POLLERR)) != 0) came |= MYSQL_WAIT_WRITE;
  if ((*ready & POLLPRI) != 0) came |= MYSQL_WAIT_EXCEPT;
  return came & wanted;
}

void MysqlConnection::set_options() {
  MYSQL* const my = connection_.get();
  ::mysql_options(my, MYSQL_OPT_NONBLOCK, &kStackBytes);
  const std::array<std::pair<mysql_option, const std::string*>, 7> texts = {{
      {MYSQL_READ_DEFAULT_FILE, &settings_->option_file},
      {MYSQL_READ_DEFAULT_GROUP, &settings_->option_group},
      {MYSQL_OPT_SSL_KEY, &settings_->tls_key_file},
      {MYSQL_OPT_SSL_CERT, &settings_->tls_cert_file},
      {MYSQL_OPT_SSL_CA, &settings_->tls_ca_file},
      {MYSQL_OPT_SSL_CAPATH, &settings_->tls_ca_path},
      {MYSQL_OPT_SSL_CIPHER, &settings_->tls_ciphers},
  }};
  for (const auto& [option, text] : texts) {
    if (!text->empty()) ::mysql_options(my, option, text->c_str());
  }
  if (settings_->tls_verify_cert) {
    const my_bool verify = *settings_->tls_verify_cert ? 1 : 0;
    ::mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  }
}

Result<> MysqlConnection::open(const SqlHost& host, const Patience& patience) {
  static std::once_flag once;
  std::call_once(once, [] { ::mysql_library_init(0, nullptr, nullptr); });
  connection_.reset(::mysql_init(nullptr));
  if (connection_ == nullptr) return fail(Errc::unavailable, "out of memory");
  set_options();
  MYSQL* const my = connection_.get();
  const std::string password(settings_->password.reveal());
  const bool is_unix = host.kind == SqlHost::Kind::unix_socket;
  const auto port = static_cast<unsigned>(parse_number(host.port, UINT16_MAX).value_or(0));
  MYSQL* connected = nullptr;
  const auto done = run(
      patience,
      [&] {
        return ::mysql_real_connect_start(&connected, my, is_unix ? nullptr : host.name.c_str(),
                                          or_null(settings_->user), or_null(password), settings_->dbname.c_str(), port,
                                          is_unix ? or_null(host.name) : nullptr, CLIENT_MULTI_RESULTS);
      },
      [&](int came) { return ::mysql_real_connect_cont(&connected, my, came); });
  if (!done) return done;
  if (connected == nullptr) return fail(Errc::unavailable, problem());
  int status = 0;
  const auto set = run(
      patience, [&] { return ::mysql_set_character_set_start(&status, my, settings_->charset.c_str()); },
      [&](int came) { return ::mysql_set_character_set_cont(&status, my, came); });
  if (!set) return set;
  if (status != 0) {
    return fail(Errc::unavailable,
                fmt::format("mysql_set_character_set '{}' failed: {}", settings_->charset, problem()));
  }
  return {};
}

Result<std::string> MysqlConnection::quoted_query(std::string_view key) const {
  bool is_bad = false;
  auto query = settings_->query.query.expand_query(key, [&](std::string_view text, std::string& out) {
    const std::size_t before = out.size();
    out.resize(before + 2 * text.size() + 1);
    const auto written = ::mysql_real_escape_string(connection_.get(), out.data() + before, text.data(), text.size());
    is_bad = is_bad || written > 2 * text.size();
    out.resize(is_bad ? before : before + written);
  });
  if (is_bad) return failed("cannot escape input string");
  return query;
}

Result<> MysqlConnection::fetch_rows(MYSQL_RES* result, ValueList& values, const Patience& patience) {
  const unsigned columns = ::mysql_num_fields(result);
  while (true) {
    MYSQL_ROW row = nullptr;
    const auto fetched = run(
        patience, [&] { return ::mysql_fetch_row_start(&row, result); },
        [&](int came) { return ::mysql_fetch_row_cont(&row, result, came); });
    if (!fetched) return failed(fetched.error().text);
    if (row == nullptr && ::mysql_errno(connection_.get()) != 0) return failed(problem());
    if (row == nullptr) return {};
    const unsigned long* const lengths = ::mysql_fetch_lengths(result);
    for (unsigned column = 0; column < columns; ++column) {
      if (row[column] == nullptr) continue;
      const auto added = values.add({row[column], lengths[column]});
      if (!added) return fail(Errc::unavailable, fmt::format("{}: {}", settings_->query.table, added.error().text));
    }
  }
}

// A stored procedure answers with its rows and then a status. All results are taken; only one may have rows.
Lookup MysqlConnection::find(std::string_view key, const Patience& patience) {
  MYSQL* const my = connection_.get();
  const auto query = quoted_query(key);
  if (!query) return std::unexpected(query.error());
  int status = 0;
  const auto sent = run(
      patience, [&] { return ::mysql_real_query_start(&status, my, query->data(), query->size()); },
      [&](int came) { return ::mysql_real_query_cont(&status, my, came); });
  if (!sent) return failed(sent.error().text);
  if (status != 0) return failed(problem());
  ValueList values(settings_->query.result_format, settings_->query.expansion_limit, key);
  bool has_rows = false;
  while (true) {
    const ResultHandle result(::mysql_use_result(my));
    if (result == nullptr && ::mysql_field_count(my) != 0) return failed(problem());
    if (result != nullptr) {
      Result<> fetched;
      if (std::exchange(has_rows, true)) {
        fetched = failed("multiple result sets returning data are not supported");
      } else {
        fetched = fetch_rows(result.get(), values, patience);
      }
      if (!fetched) {
        cut_off(my);
        return std::unexpected(fetched.error());
      }
    }
    if (::mysql_more_results(my) == 0) break;
    const auto moved = run(
        patience, [&] { return ::mysql_next_result_start(&status, my); },
        [&](int came) { return ::mysql_next_result_cont(&status, my, came); });
    if (!moved) return failed(moved.error().text);
    if (status > 0) return failed(problem());
    if (status < 0) break;
  }
  if (!has_rows && settings_->require_result_set) {
    return failed("query returned no result set (require_result_set = yes)");
  }
  return values.take();
}

Result<std::string> port_number(std::string_view text) {
  if (parse_number(text, UINT16_MAX)) return std::string(text);
  const std::string name(text);
  addrinfo hints{}, *list = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  std::array<char, NI_MAXSERV> number{};
  if (::getaddrinfo(nullptr, name.c_str(), &hints, &list) != 0) {
    return fail(Errc::invalid, fmt::format("unknown service: {}/tcp", printable(text, 100)));
  }
  ::getnameinfo(list->ai_addr, list->ai_addrlen, nullptr, 0, number.data(), number.size(), NI_NUMERICSERV);
  ::freeaddrinfo(list);
  return std::string(number.data());
}

// "unix:/path", "inet:host:port", "host:port", "host". "localhost" means the library's own unix socket.
Result<SqlHost> parse_host(std::string_view text) {
  constexpr std::string_view kUnix = "unix:", kInet = "inet:";
  SqlHost host;
  host.text = text;
  const bool is_unix = text.starts_with(kUnix);
  if (is_unix || text.starts_with(kInet)) text.remove_prefix(kUnix.size());
  host.name = text;
  if (is_unix) {
    host.kind = SqlHost::Kind::unix_socket;
    return host;
  }
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    auto port = port_number(text.substr(colon + 1));
    if (!port) return std::unexpected(port.error());
    host.name = without_brackets(text.substr(0, colon));
    host.port = std::move(*port);
  }
  if (iequals(host.name, "localhost")) {
    host.name.clear();
    host.kind = SqlHost::Kind::unix_socket;
  }
  return host;
}

Result<> read_mysql(TableDefinition& definition, const TableSource& source, RemoteSpec& spec) {
  auto query = SqlQuery::read(definition, source.name());
  if (!query) return std::unexpected(query.error());
  read_sql_limits(definition, *query, spec);
  if (!definition.has("dbname")) return fail(Errc::invalid, "bad string length 0 < 1: dbname =");
  std::vector<SqlHost> hosts;
  auto names = definition.list("hosts");
  if (names.empty()) names.emplace_back("localhost");
  for (const auto& name : names) {
    auto host = parse_host(name);
    if (!host) return std::unexpected(host.error());
    hosts.push_back(std::move(*host));
  }
  MysqlSettings settings{.query = std::move(*query),
                         .user = definition.text("user"),
                         .dbname = definition.text("dbname"),
                         .charset = definition.text("charset", "utf8mb4"),
                         .password = definition.secret("password"),
                         .option_file = definition.text("option_file"),
                         .option_group = definition.text("option_group", "client"),
                         .tls_key_file = definition.text("tls_key_file"),
                         .tls_cert_file = definition.text("tls_cert_file"),
                         .tls_ca_file = definition.text("tls_CAfile"),
                         .tls_ca_path = definition.text("tls_CApath"),
                         .tls_ciphers = definition.text("tls_ciphers"),
                         .tls_verify_cert = {},
                         .require_result_set = definition.flag("require_result_set", true)};
  if (definition.has("tls_verify_cert")) settings.tls_verify_cert = definition.flag("tls_verify_cert", false);
  const auto shared = std::make_shared<const MysqlSettings>(std::move(settings));
  const auto servers = std::make_shared<SqlHosts>(
      source.type, std::move(hosts), std::chrono::seconds(definition.number("retry_interval", 60, 1)), source.log);
  spec.make_client = [shared, servers] {
    return std::make_unique<SqlClient>("mysql", servers, std::make_unique<MysqlConnection>(shared));
  };
  return {};
}

}  // namespace

std::shared_ptr<const Table> make_mysql_table(const TableSource& source) {
  return make_defined_table(
      source, [&](TableDefinition& definition, RemoteSpec& spec) { return read_mysql(definition, source, spec); });
}

}  // namespace waypost::tables
