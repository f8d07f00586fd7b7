#include "daemon/paths.h"

#include <unistd.h>

#include <fmt/format.h>

namespace waypost::daemon {

Paths make_paths(const std::string& queue_directory, const std::string& control_socket) {
  const auto home = queue_directory + "/waypost";
  return {.queue_directory = queue_directory,
          .home = home,
          .pid_file = queue_directory + "/pid/master.pid",
          .segments = home + "/segments",
          .drop = home + "/drop",
          .aside = home + "/aside",
          .control_socket = control_socket,
          .import_mark = home + "/import.unfinished",
          .export_mark = home + "/export.unfinished"};
}

Result<> check_no_import(const Paths& paths) {
  if (::access(paths.import_mark.c_str(), F_OK) != 0) return {};
  return fail(
      Errc::refused,
      fmt::format("an import of Postfix's queue was cut off: run \"waypost import-queue\" again, it goes on where it "
                  "ended (or remove {}; then some messages may be delivered twice)",
                  paths.import_mark));
}

Result<> check_no_export(const Paths& paths) {
  if (::access(paths.export_mark.c_str(), F_OK) != 0) return {};
  return fail(
      Errc::refused,
      fmt::format("an export to a Postfix's queue was cut off: run \"waypost export-queue\" again, it goes on where "
                  "it ended (or remove {}; then what was under way stays in {} of that queue directory)",
                  paths.export_mark, kExportingFolder));
}

}  // namespace waypost::daemon
