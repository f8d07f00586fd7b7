#include "tools/spool_tool.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/text.h"
#include "spool/posix_file_system.h"
#include "spool/recovery.h"
#include "spool/segment_reader.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"

namespace waypost::tools {

namespace {

constexpr std::size_t kReadBytes = 1 << 20;

struct Request {
  std::string config_directory;
  std::string spool_directory;
  std::string id;
  std::string output_directory;
};

std::string time_text(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// Writes the whole content through `out`; Errc::corrupt when it does not check, after what could be read.
Result<> copy_content(const spool::LocatedMessage& located, const std::function<bool(std::string_view)>& out) {
  auto reader = spool::open_message(located);
  if (!reader) return std::unexpected(reader.error());
  for (std::uint64_t at = 0; at < (*reader)->size();) {
    auto bytes = (*reader)->read(at, kReadBytes);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->empty()) return fail(Errc::corrupt, "the content ends early");
    if (!out(*bytes)) return fail(Errc::io, "the output cannot be written");
    at += bytes->size();
  }
  return {};
}

std::string_view state_text(mail::RecipientState state) {
  switch (state) {
    case mail::RecipientState::sent:
      return "sent";
    case mail::RecipientState::bounced:
      return "bounced";
    case mail::RecipientState::pending:
      break;
  }
  return "pending";
}

// The envelope for people and scripts: one "name: value" a line.
std::string envelope_text(const spool::StoredMessage& message) {
  const mail::Envelope& envelope = message.envelope;
  std::string text = fmt::format(
      "id: {}\nsize: {}\narrival: {}\nsender: {}\nclient: {}[{}]\nhelo: {}\nprotocol: {}\nattempts: {}\nheld: {}\n",
      envelope.id.text(), message.size, time_text(envelope.arrival), printable(envelope.sender),
      printable(envelope.client_name), printable(envelope.client_address), printable(envelope.helo),
      printable(envelope.protocol), message.progress.attempts, message.progress.held ? "yes" : "no");
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    const bool known = i < message.progress.recipients.size();
    const auto state = known ? message.progress.recipients[i].state : mail::RecipientState::pending;
    text += fmt::format("recipient: {} {}\n", printable(envelope.recipients[i].address), state_text(state));
    if (known && !message.progress.recipients[i].reason.empty())
      text += fmt::format("reason: {}\n", printable(message.progress.recipients[i].reason));
  }
  return text;
}

class SpoolTool {
 public:
  explicit SpoolTool(const Request& request) : request_(request) {}

  int list();
  int cat();
  int verify();
  int salvage();
  int export_messages() { return write_out(spool::RecoveryMode::look, request_.id); }

 private:
  // -d as it is given, or what the configuration says; read late, after the options were.
  Result<std::string> directory() const {
    if (!request_.spool_directory.empty()) return request_.spool_directory;
    const auto context = open_context(request_.config_directory);
    if (!context) return std::unexpected(context.error());
    return context->paths.segments;
  }
  Result<> read(spool::RecoveryMode mode);
  int complain(const Error& error) const { return console_.fatal(error.text, kExitFailure); }
  int write_out(spool::RecoveryMode mode, const std::string& which);
  bool write_message(const spool::Recovery& recovery, QueueId id);
  bool write_file(const std::string& name, const std::function<Result<>(std::ofstream&)>& fill);

  const Request& request_;
  spool::PosixFileSystem files_;
  Console console_{"spool"};
  std::optional<spool::Recovery> recovery_;
};

Result<> SpoolTool::read(spool::RecoveryMode mode) {
  const auto where = directory();
  if (!where) return std::unexpected(where.error());
  recovery_.emplace(files_, *where, mode);
  return recovery_->run();
}

int SpoolTool::list() {
  if (auto run = read(spool::RecoveryMode::look); !run) return complain(run.error());
  spool::Recovery& recovery = *recovery_;
  bool written = true;
  auto delivered = recovery.deliver([&](const spool::StoredMessage& message) {
    const auto& recipients = message.envelope.recipients;
    written = written &&
              write_stdout(fmt::format("{:<17} {:>10} {} {:>3} {} -> {}{}\n", message.envelope.id.text(), message.size,
                                       time_text(message.envelope.arrival), message.progress.attempts,
                                       message.envelope.sender.empty() ? "<>" : printable(message.envelope.sender),
                                       recipients.empty() ? "(nobody)" : printable(recipients.front().address),
                                       recipients.size() > 1 ? fmt::format(" (+{})", recipients.size() - 1) : ""));
  });
  if (!delivered) return complain(delivered.error());
  return written ? kExitOk : kExitFailure;
}

int SpoolTool::cat() {
  const auto id = QueueId::parse(request_.id);
  if (!id) return console_.fatal(request_.id + " is not a queue id", kExitUsage);
  if (auto run = read(spool::RecoveryMode::look); !run) return complain(run.error());
  spool::Recovery& recovery = *recovery_;
  const auto located = recovery.locate(*id);
  if (!located) return console_.fatal("no message " + request_.id, kExitFailure);
  const auto copied = copy_content(*located, write_stdout);
  return copied ? kExitOk : complain(copied.error());
}

int SpoolTool::verify() {
  if (auto run = read(spool::RecoveryMode::walk); !run) return complain(run.error());
  spool::Recovery& recovery = *recovery_;
  if (auto delivered = recovery.deliver([](const spool::StoredMessage&) {}); !delivered)
    return complain(delivered.error());
  const spool::ScanReport& report = recovery.report();
  for (const std::string& note : report.notes) console_.warning(note);
  write_stdout(
      fmt::format("{} messages, {} bytes in {} segments; {} damaged records, {} unfinished messages, {} bytes of an "
                  "unfinished write\n",
                  report.messages, report.bytes, recovery.segments().size(), report.quarantined_records,
                  report.unfinished_messages, report.torn_bytes));
  return report.quarantined_records == 0 ? kExitOk : kExitFailure;
}

bool SpoolTool::write_file(const std::string& name, const std::function<Result<>(std::ofstream&)>& fill) {
  const std::filesystem::path path = std::filesystem::path(request_.output_directory) / name;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  auto filled = fill(out);
  out.close();
  if (filled && !out) filled = fail(Errc::io, "cannot be written");
  if (!filled) console_.warning(fmt::format("{}: {}", path.string(), filled.error().text));
  return filled.has_value();
}

bool SpoolTool::write_message(const spool::Recovery& recovery, QueueId id) {
  const auto located = recovery.locate(id);
  if (!located) return false;
  const bool content = write_file(id.text() + ".eml", [&](std::ofstream& out) {
    return copy_content(*located, [&](std::string_view bytes) {
      return static_cast<bool>(out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())));
    });
  });
  const bool envelope = write_file(id.text() + ".env", [&](std::ofstream& out) -> Result<> {
    const auto message = spool::load_message(id, *located);
    if (!message) return std::unexpected(message.error());
    out << envelope_text(*message);
    return {};
  });
  return content && envelope;
}

int SpoolTool::write_out(spool::RecoveryMode mode, const std::string& which) {
  if (auto run = read(mode); !run) return complain(run.error());
  spool::Recovery& recovery = *recovery_;
  std::vector<QueueId> ids = recovery.ids();
  if (which != "ALL") {
    const auto id = QueueId::parse(which);
    if (!id || recovery.find(*id) == nullptr) return console_.fatal("no message " + which, kExitFailure);
    ids = {*id};
  }
  std::error_code failed;
  std::filesystem::create_directories(request_.output_directory, failed);
  if (failed) return console_.fatal(fmt::format("{}: {}", request_.output_directory, failed.message()), kExitFailure);
  std::size_t written = 0;
  for (const QueueId id : ids) written += write_message(recovery, id) ? 1 : 0;
  for (const std::string& note : recovery.report().notes) console_.warning(note);
  write_stdout(fmt::format("{} of {} messages written to {}\n", written, ids.size(), request_.output_directory));
  return written == ids.size() && recovery.report().quarantined_records == 0 ? kExitOk : kExitFailure;
}

// All messages, and the damaged bytes as they are, for whoever can make something of them.
int SpoolTool::salvage() {
  const int status = write_out(spool::RecoveryMode::walk, "ALL");
  if (!recovery_) return status;
  for (const auto& damage : recovery_->damage()) {
    const std::string name = fmt::format("{:016X}-{:08X}.bad", damage.segment->number, damage.begin);
    write_file(name, [&](std::ofstream& out) -> Result<> {
      for (std::uint64_t at = damage.begin; at < damage.end; at += kReadBytes) {
        const auto size = std::min<std::uint64_t>(kReadBytes, damage.end - at);
        const auto bytes = spool::read_exactly(*damage.segment->file, at, size);
        if (!bytes) return std::unexpected(bytes.error());
        out << *bytes;
      }
      return {};
    });
  }
  return status;
}

}  // namespace

int spool_main(int argc, char** argv) {
  CLI::App app("Looks into the spool. Reads only and takes no lock, so it may be used while the daemon runs.", "spool");
  Request request;
  app.add_option("-d", request.spool_directory, "the spool's own directory");
  app.add_option("-c", request.config_directory, "the configuration that names the queue directory");
  app.require_subcommand(1);
  SpoolTool tool(request);
  int status = kExitOk;
  const auto command = [&](const char* name, const char* help, int (SpoolTool::*run)()) {
    CLI::App* added = app.add_subcommand(name, help);
    added->final_callback([&status, &tool, run] { status = (tool.*run)(); });
    return added;
  };
  command("ls", "one line a message", &SpoolTool::list);
  command("cat", "print a message", &SpoolTool::cat)->add_option("ID", request.id)->required();
  command("verify", "read every byte and report damage", &SpoolTool::verify);
  command("salvage", "write out whatever can be read", &SpoolTool::salvage)
      ->add_option("OUTDIR", request.output_directory)
      ->required();
  CLI::App* exporting = command("export", "write messages as ID.eml and ID.env", &SpoolTool::export_messages);
  exporting->add_option("ID", request.id, "a queue id, or ALL")->required();
  exporting->add_option("OUTDIR", request.output_directory)->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return status;
}

}  // namespace waypost::tools
