#include "tables/sql_lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr std::chrono::seconds kConnectTime{10};  // of one server, so that there is time for the next
constexpr std::int64_t kDefaultTimeout_s = 30;

Result<std::string> built_query(TableDefinition& definition) {
  if (definition.has("select_function")) {
    return fmt::format("SELECT {}('%s')", definition.text("select_function"));
  }
  for (const std::string_view name : {"table", "select_field", "where_field"}) {
    if (!definition.has(name)) return fail(Errc::invalid, fmt::format("neither query nor {} is defined", name));
  }
  return fmt::format("SELECT {} FROM {} WHERE {}='%s' {}", definition.text("select_field"), definition.text("table"),
                     definition.text("where_field"), definition.text("additional_conditions"));
}

}  // namespace

Result<SqlQuery> SqlQuery::read(TableDefinition& definition, const std::string& table) {
  std::string text = definition.text("query");
  if (text.empty()) {
    auto built = built_query(definition);
    if (!built) return std::unexpected(built.error());
    text = std::move(*built);
  }
  for (const auto& expansion : unquoted_expansions(text)) {
    definition.warn(
        fmt::format("{}: query >{}< contains >{}< without the recommended '' quotes", table, text, expansion));
  }
  auto query = KeyTemplate::parse(text, KeyTemplate::Use::query);
  if (!query) return std::unexpected(query.error());
  auto format = KeyTemplate::parse(definition.text("result_format", "%s"), KeyTemplate::Use::result);
  if (!format) return std::unexpected(format.error());
  return SqlQuery{table, std::move(*query), std::move(*format), definition.number("expansion_limit", 0)};
}

KeyNeeds SqlQuery::needs() const {
  KeyNeeds needs = query.key_needs();
  needs.add(result_format.key_needs());
  return needs;
}

SqlHosts::SqlHosts(std::string type, std::vector<SqlHost> hosts, std::chrono::seconds retry_interval, Log log)
    : type_(std::move(type)), retry_interval_(retry_interval), log_(std::move(log)) {
  std::ranges::sort(hosts, {}, &SqlHost::kind);
  for (auto& host : hosts) hosts_.push_back({std::move(host), {}, false});
}

std::vector<std::size_t> SqlHosts::candidates() const {
  thread_local std::minstd_rand random{std::random_device{}()};
  const auto now = Patience::Clock::now();
  const std::scoped_lock lock(mutex_);
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (hosts_.size() == 1 || !hosts_[i].is_down || now >= hosts_[i].down_until) chosen.push_back(i);
  }
  const auto kind = [this](std::size_t index) { return hosts_[index].host.kind; };
  for (auto first = chosen.begin(); first != chosen.end();) {
    const auto end = std::find_if(first, chosen.end(), [&](std::size_t index) { return kind(index) != kind(*first); });
    std::shuffle(first, end, random);
    first = end;
  }
  return chosen;
}

void SqlHosts::failed(std::size_t index, std::string_view reason) {
  const std::scoped_lock lock(mutex_);
  State& state = hosts_[index];
  last_problem_ = fmt::format("connect to {} server {}: {}", type_, state.host.text, reason);
  // With one server the table itself says so.
  if (hosts_.size() > 1) log_.warning("{}", last_problem_);
  state.is_down = true;
  state.down_until = Patience::Clock::now() + retry_interval_;
}

void SqlHosts::worked(std::size_t index) {
  const std::scoped_lock lock(mutex_);
  hosts_[index].is_down = false;
}

std::string SqlHosts::last_problem() const {
  const std::scoped_lock lock(mutex_);
  return last_problem_;
}

Lookup SqlClient::find(std::string_view key, const Patience& patience) {
  if (connection_->is_open()) {
    auto answer = connection_->find(key, patience);
    if (answer) return answer;
    connection_->close();
    if (patience.is_over()) return answer;
  }
  std::string problem;
  for (const auto index : hosts_->candidates()) {
    if (patience.is_over()) break;
    if (const auto opened = connection_->open((*hosts_)[index], patience.at_most(kConnectTime)); !opened) {
      connection_->close();
      hosts_->failed(index, opened.error().text);
      problem = hosts_->last_problem();
      continue;
    }
    hosts_->worked(index);
    auto answer = connection_->find(key, patience);
    if (answer) return answer;
    connection_->close();
    problem = answer.error().text;
  }
  if (problem.empty()) problem = fmt::format("no {} server is to be tried now; {}", type_, hosts_->last_problem());
  return fail(Errc::unavailable, problem);
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const auto word : split(text, " \t\r\n")) {
    if (!out.empty()) out += ' ';
    out += word;
  }
  return printable(out, 1000);
}

void read_sql_limits(TableDefinition& definition, const SqlQuery& query, RemoteSpec& spec) {
  spec.only_utf8 = true;
  spec.needs = query.needs();
  spec.timeout = std::chrono::seconds(definition.number("timeout", kDefaultTimeout_s, 1, 3600));
  spec.idle = std::chrono::seconds(definition.number("idle_interval", 60, 1));
}

}  // namespace waypost::tables
