#include "tools/queue_source.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "admin/client.h"
#include "base/text.h"
#include "spool/posix_file_system.h"
#include "spool/recovery.h"
#include "tools/commands.h"

namespace waypost::tools {
namespace {

admin::ListedMessage listed(const spool::StoredMessage& stored) {
  admin::ListedMessage out;
  out.queue_name = stored.progress.held ? "hold" : stored.progress.attempts > 0 ? "deferred" : "incoming";
  out.queue_id = stored.envelope.id.text();
  out.arrival_s = std::chrono::duration_cast<std::chrono::seconds>(stored.envelope.arrival.time_since_epoch()).count();
  out.size_bytes = stored.size;
  out.forced_expire = stored.progress.force_expire;
  out.sender = admin::listed_sender(stored.envelope);
  admin::add_pending_recipients(out, stored.envelope, stored.progress);
  return out;
}

Result<std::vector<admin::ListedMessage>> read_spool(const Context& context) {
  spool::PosixFileSystem files;
  spool::Recovery recovery(files, context.paths.segments, spool::RecoveryMode::look);
  if (auto run = recovery.run(); !run) return std::unexpected(run.error());
  std::vector<admin::ListedMessage> out;
  auto delivered = recovery.deliver([&](const spool::StoredMessage& stored) { out.push_back(listed(stored)); });
  if (!delivered) return std::unexpected(delivered.error());
  return out;
}

Result<std::vector<admin::ListedMessage>> parse_lines(std::string_view text) {
  std::vector<admin::ListedMessage> out;
  for (const auto line : split(text, "\n")) {
    auto message = admin::parse_listing_line(line);
    if (!message) return std::unexpected(message.error());
    out.push_back(std::move(*message));
  }
  return out;
}

}  // namespace

Result<std::vector<admin::ListedMessage>> list_queue(const Console& console, const Context& context) {
  const auto response = admin::call(context.paths.control_socket, "GET", "/v1/queue");
  if (response && response->status == 200) return parse_lines(response->body);
  if (response && response->status == 403) return fail(Errc::refused, std::string(trim(response->body)));
  if (response) return fail(Errc::unavailable, "Queue report unavailable - " + std::string(trim(response->body)));
  const auto& error = response.error();
  if (error.code != Errc::refused) return fail(Errc::unavailable, "Queue report unavailable - " + error.text);
  if (::geteuid() != 0)
    return fail(Errc::unavailable,
                fmt::format("Queue report unavailable - mail system is down ({})", system_down_text(error)));
  console.warning(fmt::format("Mail system is down -- accessing queue directly ({})", system_down_text(error)));
  return read_spool(context);
}

int print_queue(const Console& console, const Context& context, QueueFormat format) {
  const auto messages = list_queue(console, context);
  if (!messages) {
    const bool forbidden = messages.error().code == Errc::refused;
    return console.fatal(messages.error().text, forbidden ? kExitNoPermission : kExitUnavailable);
  }
  std::string text;
  if (format == QueueFormat::mailq) {
    text = admin::format_mailq(*messages, context.long_queue_ids);
  } else {
    for (const auto& message : *messages) text += admin::format_listing_line(message);
  }
  return write_stdout(text) ? kExitOk : kExitFailure;
}

}  // namespace waypost::tools
