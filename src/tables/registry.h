// Opens each table once and shares it; the one place that knows the table types.
//
// A file table follows its file: on lookup, at most once a second, its inode, size and times are compared, and when
// they differ the file is read anew and swapped in whole. A file that does not parse, or changes while it is read,
// leaves the old content in service and one line in the log.
// A table that cannot be opened still opens: its lookups answer Errc::unavailable, with the reason logged as Postfix
// logs it, and it is tried again at most once a second, so that it comes into service when the cause is gone.
// Any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "tables/table.h"
#include "tables/table_settings.h"

namespace waypost::tables {

class RemoteWorkers;

class TableRegistry {
 public:
  static constexpr int kMaxDepth = 20;  // tables within tables: unionmap:{pipemap:{...}}

  // `clock` must outlive the registry and its tables. `fold`: tables of exact strings fold keys to lower case.
  // `workers`: of the registry before this one; null makes new ones.
  TableRegistry(Log log, const Clock& clock, bool fold = true, TableSettings settings = {},
                std::shared_ptr<RemoteWorkers> workers = nullptr);

  // "hash:/etc/postfix/x", "inline:{k=v}", "proxy:hash:/x" (the same as without proxy:). Never null.
  std::shared_ptr<const Table> open(std::string_view type_name);

  // What is wrong with the tables that are open, one line each, for check and start:
  // "foo:/x is unavailable. unsupported dictionary type: foo".
  std::vector<std::string> problems() const;

  // One of its own with the same settings, for what opens tables when this one may be gone.
  std::shared_ptr<TableRegistry> sibling() const;

  const Log& log() const { return log_; }
  const Clock& clock() const { return clock_; }
  // Of the tables that ask a server.
  const std::shared_ptr<RemoteWorkers>& workers() const { return workers_; }

 private:
  std::shared_ptr<const Table> make(std::string_view type_name, int depth);
  std::shared_ptr<const Table> open_locked(std::string_view type_name, int depth);

  Log log_;
  const Clock& clock_;
  bool fold_;
  TableSettings settings_;
  std::shared_ptr<RemoteWorkers> workers_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Table>, std::less<>> tables_;
};

// True for a type that this build can look up in ("hash", "cidr" ...).
bool is_supported_type(std::string_view type);
// True for a type that Postfix knows, built here or not.
bool is_known_type(std::string_view type);
// All that this build can look up in, in the order of their names.
std::vector<std::string_view> supported_types();

}  // namespace waypost::tables
