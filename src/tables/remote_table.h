// What all tables have in common whose answers come from a server (or a library that can only block): workers that may
// block, connections that are kept, and how failure is told.
//
// On an io thread a lookup goes to one of the table's own workers and never blocks; elsewhere (commands, a worker of
// another table) it runs on the calling thread. A table has at most so many connections; what finds all of them busy
// waits, and gives up at its deadline. So a server that hangs delays only those who ask it.
// Failure is Errc::unavailable: the mail is deferred. Its reason is logged when it begins and when it changes, and its
// end too.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "net/blocking.h"
#include "net/task.h"
#include "tables/key_template.h"
#include "tables/match_list.h"
#include "tables/patience.h"
#include "tables/table.h"

namespace waypost::tables {

// The threads of all remote tables of a program, so that they can be stopped. Outlives no table; any thread.
class RemoteWorkers {
 public:
  std::shared_ptr<net::BlockingPool> make_pool(std::size_t threads);
  const StopSignal& stop_signal() const { return stop_; }
  // Lookups that wait for a server end now, with Errc::unavailable, as do all later ones. Before the io threads go.
  void stop();

 private:
  StopSignal stop_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::weak_ptr<net::BlockingPool>> pools_;
};

// One connection (or none yet). Used by one thread at a time.
class RemoteClient {
 public:
  virtual ~RemoteClient() = default;
  // `key` is as the table wants it. Blocks until `patience` is over at most. Any error counts as unavailable; its text
  // is what the log says.
  virtual Lookup find(std::string_view key, const Patience& patience) = 0;
};

struct RemoteSpec {
  std::string name;  // "pgsql:/etc/postfix/x.cf"
  KeyStyle key_style = KeyStyle::indexed;
  bool fold = true;                  // the key to lower case
  bool only_utf8 = false;            // no other key can be there
  MatchList domains;                 // empty: all; else only user@domain with such a domain is looked up
  KeyNeeds needs;                    // what a key must have
  std::size_t connections = 16;      // at once
  std::chrono::seconds timeout{30};  // of a lookup, connecting and waiting for a connection included
  std::chrono::seconds idle{60};     // after which a connection is closed, at the next lookup
  std::function<std::unique_ptr<RemoteClient>()> make_client;
};

class RemoteTable final : public Table {
 public:
  RemoteTable(RemoteSpec spec, std::shared_ptr<RemoteWorkers> workers, Log log);

  const std::string& name() const override;
  KeyStyle key_style() const override;
  bool immediate() const override { return false; }
  // Not on an io thread.
  Lookup find(std::string_view key) const override;
  net::Task<Lookup> find_later(std::string key) const override;

 private:
  struct Shared;

  std::shared_ptr<Shared> shared_;
  std::shared_ptr<net::BlockingPool> pool_;
};

}  // namespace waypost::tables
