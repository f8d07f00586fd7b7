#include "postfix_queue/failure_log.h"

#include <fmt/format.h>

#include "base/text.h"
#include "mail/address.h"

namespace waypost::postfix_queue {
namespace {

std::string internal(std::string_view external) {
  if (external == "<>") return "";
  return mail::to_internal(external).value_or(std::string(external));
}

void take_line(FailureEntry& entry, std::string_view line) {
  if (line.starts_with('<')) {
    const auto end = line.find(">: ");
    if (end == std::string_view::npos) return;
    entry.recipient = internal(line.substr(1, end - 1));
    entry.reason = trim(line.substr(end + 3));
    return;
  }
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return;
  const auto name = trim(line.substr(0, equals)), value = trim(line.substr(equals + 1));
  if (name == "recipient") entry.recipient = internal(value);
  if (name == "offset") entry.offset = parse_number(value).value_or(0);
  if (name == "status") entry.dsn = value;
  if (name == "reason") entry.reason = value;
}

}  // namespace

std::vector<FailureEntry> parse_failure_log(std::string_view text) {
  std::vector<FailureEntry> out;
  FailureEntry entry;
  bool found = false;
  while (!text.empty() && out.size() < kMaxLogEntries) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty()) {
      take_line(entry, line);
      found = true;
    }
    if (found && (line.empty() || text.empty())) {
      if (!entry.reason.empty()) out.push_back(std::move(entry));
      entry = {};
      found = false;
    }
  }
  return out;
}

std::string format_failure(const FailureEntry& entry) {
  const auto recipient = entry.recipient.empty() ? "<>" : mail::to_external(entry.recipient);
  const auto dsn = entry.dsn.empty() ? std::string("4.0.0") : entry.dsn;
  return fmt::format("\n<{}>: {}\nrecipient={}\noffset={}\nstatus={}\naction=delayed\nreason={}\n\n",
                     entry.recipient.empty() ? "" : recipient, entry.reason, recipient, entry.offset, dsn,
                     entry.reason);
}

}  // namespace waypost::postfix_queue
