#include "tables/remote_table.h"

#include <pthread.h>
#include <signal.h>

#include <ctime>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "tables/run_immediate.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kMaxWaiting = 10'000;  // lookups that wait for a connection, of one table

// Some client libraries write to connections that the server has closed: a command must survive that, as the daemon
// does, without a word about its other files.
class NoBrokenPipe {
 public:
  NoBrokenPipe() {
    sigset_t pending;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    ::sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  NoBrokenPipe(const NoBrokenPipe&) = delete;
  NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;
  ~NoBrokenPipe() {
    constexpr timespec kAtOnce{};
    if (!was_pending_) ::sigtimedwait(&pipe_, nullptr, &kAtOnce);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_, before_;
  bool was_pending_ = false;
};

}  // namespace

std::shared_ptr<net::BlockingPool> RemoteWorkers::make_pool(std::size_t threads) {
  auto pool = std::make_shared<net::BlockingPool>(threads, kMaxWaiting);
  const std::scoped_lock lock(mutex_);
  std::erase_if(pools_, [](const auto& known) { return known.expired(); });
  pools_.push_back(pool);
  if (stopped_) pool->stop();
  return pool;
}

void RemoteWorkers::stop() {
  stop_.raise();
  std::vector<std::weak_ptr<net::BlockingPool>> pools;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    pools.swap(pools_);
  }
  for (const auto& known : pools) {
    if (const auto pool = known.lock()) pool->stop();
  }
}

// What a lookup needs after its table is gone: a worker may still be at it.
struct RemoteTable::Shared {
  RemoteSpec spec;
  std::shared_ptr<RemoteWorkers> workers;
  Log log;

  struct Idle {
    std::unique_ptr<RemoteClient> client;
    MonoTime since;
  };
  std::mutex mutex;
  std::vector<Idle> idle;  // the one used last is last
  std::string problem;     // logged; empty: all is well

  std::unique_ptr<RemoteClient> take();
  void give_back(std::unique_ptr<RemoteClient> client);
  Lookup ask(std::string_view key, MonoTime deadline);
  void report(const Lookup& answer);
};

std::unique_ptr<RemoteClient> RemoteTable::Shared::take() {
  const auto limit = Patience::Clock::now() - spec.idle;
  std::vector<Idle> expired;  // closed outside of the lock
  {
    const std::scoped_lock lock(mutex);
    std::size_t old = 0;
    while (old < idle.size() && idle[old].since < limit) ++old;
    const auto first_fresh = idle.begin() + static_cast<std::ptrdiff_t>(old);
    expired.assign(std::make_move_iterator(idle.begin()), std::make_move_iterator(first_fresh));
    idle.erase(idle.begin(), first_fresh);
    if (!idle.empty()) {
      auto client = std::move(idle.back().client);
      idle.pop_back();
      return client;
    }
  }
  return spec.make_client();
}

void RemoteTable::Shared::give_back(std::unique_ptr<RemoteClient> client) {
  const std::scoped_lock lock(mutex);
  idle.push_back({std::move(client), Patience::Clock::now()});
}

Lookup RemoteTable::Shared::ask(std::string_view key, MonoTime deadline) {
  const Patience patience(deadline, &workers->stop_signal());
  if (patience.is_over()) return fail(Errc::timeout, "timed out while all connections of the table were busy");
  const NoBrokenPipe no_broken_pipe;
  auto client = take();
  auto answer = client->find(key, patience);
  give_back(std::move(client));
  return answer;
}

// A change is logged, repetition is not.
void RemoteTable::Shared::report(const Lookup& answer) {
  const std::scoped_lock lock(mutex);
  const std::string now = answer ? std::string() : answer.error().text;
  if (now == problem) return;
  problem = now;
  if (answer) {
    log.info("{}: lookups work again", spec.name);
  } else {
    log.warning("{}", printable(problem));
  }
}

RemoteTable::RemoteTable(RemoteSpec spec, std::shared_ptr<RemoteWorkers> workers, Log log)
    : shared_(new Shared{std::move(spec), workers, std::move(log), {}, {}, {}}),
      pool_(workers->make_pool(shared_->spec.connections)) {}

const std::string& RemoteTable::name() const { return shared_->spec.name; }
KeyStyle RemoteTable::key_style() const { return shared_->spec.key_style; }

Lookup RemoteTable::find(std::string_view key) const {
  WAYPOST_ASSERT(net::IoThread::current() == nullptr);
  return run_immediate(find_later(std::string(key)));
}

net::Task<Lookup> RemoteTable::find_later(std::string key) const {
  const auto& spec = shared_->spec;
  const auto deadline = Patience::Clock::now() + spec.timeout;
  constexpr std::nullopt_t kNotThere = std::nullopt;
  if (key.empty() || key.find('\0') != std::string::npos || (spec.only_utf8 && !is_utf8(key))) co_return kNotThere;
  if (spec.fold) key = to_lower(key);
  if (!spec.needs.met_by(key)) co_return kNotThere;
  if (!spec.domains.empty()) {
    const auto at = key.rfind('@');
    if (at == 0 || at >= key.size() - 1) co_return kNotThere;
    const Result<bool> wanted = co_await spec.domains.matches_string(key.substr(at + 1));
    if (!wanted) co_return std::unexpected(wanted.error());
    if (!*wanted) co_return kNotThere;
  }
  Lookup answer;
  if (net::IoThread::current() == nullptr) {
    answer = shared_->ask(key, deadline);
  } else {
    Lookup later = co_await pool_->run(
        [shared = shared_, asked = std::move(key), deadline] { return shared->ask(asked, deadline); });
    answer = std::move(later);
  }
  shared_->report(answer);
  if (!answer) co_return fail(Errc::unavailable, std::move(answer.error().text));
  co_return answer;
}

}  // namespace waypost::tables
