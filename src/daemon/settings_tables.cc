// What lookup tables take from main.cf.
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "daemon/settings.h"

namespace waypost::daemon {
namespace {

constexpr std::int64_t kMaxConnections = 1'000, kMaxSocketmapBytes = 100'000'000;

// The settings NAME_parameter of a table that is defined in main.cf.
std::vector<tables::DefinedParameter> defined_in(const config::Configuration& configuration, std::string_view name) {
  const auto view = configuration.view();
  const auto prefix = fmt::format("{}_", name);
  std::vector<tables::DefinedParameter> found;
  for (const auto& [full_name, setting] : configuration.main.settings()) {
    if (full_name.size() <= prefix.size() || !full_name.starts_with(prefix)) continue;
    // What cannot be expanded is a finding of its own; here it is as if it were empty.
    found.push_back({full_name.substr(prefix.size()), view.value(full_name).value_or(""),
                     fmt::format("{}, line {}", setting.file, setting.line)});
  }
  return found;
}

}  // namespace

tables::TableSettings read_tables(std::shared_ptr<const config::Configuration> configuration, config::Reader& reader) {
  const auto size = [&](std::string_view name, std::int64_t max) {
    return static_cast<std::size_t>(reader.number(name, 1, max));
  };
  tables::TableSettings out;
  out.queue_directory = reader.text("queue_directory");
  out.connection_limit = size("waypost_table_connection_limit", kMaxConnections);
  out.socketmap_max_query_size = size("socketmap_max_query_size", kMaxSocketmapBytes);
  out.socketmap_max_reply_size = size("socketmap_max_reply_size", kMaxSocketmapBytes);
  out.defined = [configuration = std::move(configuration)](std::string_view name) {
    return defined_in(*configuration, name);
  };
  return out;
}

}  // namespace waypost::daemon
