// What lookup tables take from main.cf. A value; the daemon and the commands fill it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::tables {

// One parameter of a table that is defined in main.cf: "hosts" for NAME_hosts.
struct DefinedParameter {
  std::string name;
  std::string value;  // expanded
  std::string place;  // "FILE, line N", for messages
};

struct TableSettings {
  std::string queue_directory;                     // relative paths of unix sockets start here
  std::size_t connection_limit = 16;               // waypost_table_connection_limit: of each table
  std::size_t socketmap_max_query_size = 10'000;   // bytes
  std::size_t socketmap_max_reply_size = 100'000;  // bytes
  // The parameters of the table NAME that main.cf has. Null: none.
  std::function<std::vector<DefinedParameter>(std::string_view name)> defined;
};

}  // namespace waypost::tables
