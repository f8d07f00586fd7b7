// What a reload changes, in words for the log: `name: old -> new` for each parameter, the services of master.cf, and
// the tables whose files are others than before. Secrets are not shown. Pure but for table_stamps().
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/load.h"
#include "tables/followed_files.h"

namespace waypost::daemon {

inline constexpr std::size_t kMaxReloadLines = 50;  // the rest is counted
inline constexpr std::size_t kMaxShownValue = 200;  // characters of a value

// "hash:/etc/postfix/transport" -> the state of its files.
using TableStamps = std::map<std::string, std::vector<tables::FileStamp>>;

// Of every table that the files name. Reads the files' states; blocking.
TableStamps table_stamps(const config::Configuration& configuration);

struct Loadout {
  const config::Configuration& configuration;
  const TableStamps& tables;
};

// Empty when nothing changed.
std::vector<std::string> reload_changes(const Loadout& before, const Loadout& after);

}  // namespace waypost::daemon
