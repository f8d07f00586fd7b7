#include "daemon/name_chains.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/main_cf.h"
#include "tables/run_immediate.h"

namespace waypost::daemon {
namespace {

Result<std::string> read_files(std::string_view names) {
  std::string out;
  for (const auto name : split(names, ", \t\r\n")) {
    const auto text = config::read_config_file(std::string(name));
    if (!text) return fail(Errc::io, text.error().text);
    out += *text;
    if (out.size() > kMaxChainBytes) return fail(Errc::io, fmt::format("{} is too long", name));
    if (!out.ends_with('\n')) out += '\n';
  }
  return out;
}

}  // namespace

Result<std::optional<std::string>> find_chain(const tables::TableList& maps, const std::string& name) {
  const auto found = tables::run_immediate(maps.find({name}));
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  if (const auto text = base64_decode(trim(**found)); text && text->find("-----BEGIN") != std::string::npos)
    return *text;
  auto read = read_files(**found);
  if (!read) return std::unexpected(read.error());
  return std::move(*read);
}

}  // namespace waypost::daemon
