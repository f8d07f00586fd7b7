// What SQL tables have in common: the query from its parameters, rows to one answer, and servers that stand in for each
// other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "tables/key_template.h"
#include "tables/remote_table.h"
#include "tables/table_definition.h"
#include "tables/value_list.h"

namespace waypost::tables {

struct SqlQuery {
  std::string table;  // "pgsql:/x.cf"
  KeyTemplate query, result_format;
  std::int64_t expansion_limit = 0;  // values in an answer; 0: no limit

  // From `query`, or as Postfix built it before there was `query`: select_function, or select_field, table,
  // where_field and additional_conditions. Warns of expansions outside of quotes.
  static Result<SqlQuery> read(TableDefinition& definition, const std::string& table);
  KeyNeeds needs() const;
};

struct SqlHost {
  enum class Kind : unsigned char { unix_socket, inet, uri };
  Kind kind = Kind::inet;
  std::string text;  // as written, for messages; a URI without its password
  std::string name;  // the host, path, or whole URI
  std::string port;  // may be empty
};

// Servers with the same content. One that fails is left alone for a while, unless it is the only one. Any thread.
class SqlHosts {
 public:
  SqlHosts(std::string type, std::vector<SqlHost> hosts, std::chrono::seconds retry_interval, Log log);

  const SqlHost& operator[](std::size_t index) const { return hosts_[index].host; }
  // Those to try now: unix sockets first, at random among their kind.
  std::vector<std::size_t> candidates() const;
  void failed(std::size_t index, std::string_view reason);
  void worked(std::size_t index);
  std::string last_problem() const;

 private:
  struct State {
    SqlHost host;
    MonoTime down_until;
    bool is_down = false;
  };
  std::string type_;
  std::chrono::seconds retry_interval_;
  Log log_;
  mutable std::mutex mutex_;  // guards the states and what follows
  std::vector<State> hosts_;
  std::string last_problem_;
};

// One connection to a database.
class SqlConnection {
 public:
  virtual ~SqlConnection() = default;
  // Errors are the library's words alone.
  virtual Result<> open(const SqlHost& host, const Patience& patience) = 0;
  virtual bool is_open() const = 0;
  virtual void close() = 0;
  // Errors are whole messages. After one the connection is closed by the caller.
  virtual Lookup find(std::string_view key, const Patience& patience) = 0;
};

// Asks the first server that answers. A kept connection that fails is replaced.
class SqlClient final : public RemoteClient {
 public:
  SqlClient(std::string type, std::shared_ptr<SqlHosts> hosts, std::unique_ptr<SqlConnection> connection)
      : type_(std::move(type)), hosts_(std::move(hosts)), connection_(std::move(connection)) {}

  Lookup find(std::string_view key, const Patience& patience) override;

 private:
  std::string type_;
  std::shared_ptr<SqlHosts> hosts_;
  std::unique_ptr<SqlConnection> connection_;
};

// A library's message as one line.
std::string one_line(std::string_view text);

// timeout, idle_interval and the needs of the query.
void read_sql_limits(TableDefinition& definition, const SqlQuery& query, RemoteSpec& spec);

}  // namespace waypost::tables
