#include <getopt.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "postfix_queue/queue_file_writer.h"
#include "postfix_queue/queue_name.h"
#include "spool/posix_file_system.h"
#include "spool/recovery.h"
#include "spool/segment_reader.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/postfix_folders.h"
#include "tools/queue_file_print.h"

// postcat: a queued message, record by record. Ours are shown as the queue file that Postfix would have; files of
// Postfix's own are shown as they are.

namespace waypost::tools {
namespace {

constexpr std::size_t kMaxInput = std::size_t{1} << 30;  // of standard input, or a message of ours
constexpr std::size_t kReadBytes = std::size_t{1} << 20;

struct Options {
  PrintOptions print;
  bool by_id = false;
  std::string config_directory;
};

std::string_view queue_of(const mail::Progress& progress) {
  if (progress.held) return "hold";
  return progress.attempts > 0 ? "deferred" : "active";
}

// The message as a queue file.
Result<std::string> queue_file_bytes(const spool::StoredMessage& message, spool::Reader& reader) {
  if (reader.size() > kMaxInput) return fail(Errc::invalid, fmt::format("larger than {} bytes", kMaxInput));
  postfix_queue::QueueFileWriter writer(message.envelope, message.progress, std::nullopt);
  std::string out = writer.start();
  for (std::uint64_t at = 0; at < reader.size();) {
    const auto piece = reader.read(at, kReadBytes);
    if (!piece) return std::unexpected(piece.error());
    if (piece->empty()) return fail(Errc::corrupt, "the content ends early");
    out += writer.content(*piece);
    at += piece->size();
  }
  out += writer.finish();
  const auto size = writer.size_record();
  out.replace(0, size.size(), size);
  return out;
}

class Postcat {
 public:
  explicit Postcat(const Options& options) : options_(options) {}

  int run(const std::vector<std::string>& names);

 private:
  Result<> show_input();
  Result<> show_file(const std::string& path, const std::string& shown);
  Result<> show_id(const std::string& name);
  // False: the spool has no such message.
  Result<bool> show_stored(QueueId id);

  const Options& options_;
  const Console console_{"postcat"};
  std::optional<Context> context_;
  spool::PosixFileSystem files_;
  std::optional<spool::Recovery> recovery_;
};

Result<> Postcat::show_input() {
  const auto bytes = read_stdin(kMaxInput);
  if (!bytes) return std::unexpected(bytes.error());
  return print_queue_file(postfix_queue::StringSource(*bytes), "stdin", options_.print, console_);
}

Result<> Postcat::show_file(const std::string& path, const std::string& shown) {
  const auto source = QueueFileSource::open(path);
  if (!source) return std::unexpected(source.error());
  return print_queue_file(*source, shown, options_.print, console_);
}

Result<bool> Postcat::show_stored(QueueId id) {
  if (!recovery_) {
    recovery_.emplace(files_, context_->paths.segments, spool::RecoveryMode::look);
    if (auto run = recovery_->run(); !run) return std::unexpected(run.error());
  }
  const auto located = recovery_->locate(id);
  if (!located) return false;
  const auto message = spool::load_message(id, *located);
  if (!message) return std::unexpected(message.error());
  const auto reader = spool::open_message(*located);
  if (!reader) return std::unexpected(reader.error());
  const auto bytes = queue_file_bytes(*message, **reader);
  if (!bytes) return std::unexpected(bytes.error());
  const auto path = fmt::format("{}/{}", queue_of(message->progress), id.text());
  if (auto printed = print_queue_file(postfix_queue::StringSource(*bytes), path, options_.print, console_); !printed)
    return std::unexpected(printed.error());
  return true;
}

Result<> Postcat::show_id(const std::string& name) {
  if (!postfix_queue::is_queue_name(name)) return fail(Errc::invalid, "bad mail queue ID: " + printable(name, 100));
  if (!context_) {
    auto opened = open_context(options_.config_directory);
    if (!opened) return std::unexpected(opened.error());
    context_ = std::move(*opened);
  }
  if (const auto id = QueueId::parse(name); id && ::access(context_->paths.segments.c_str(), F_OK) == 0) {
    const auto shown = show_stored(*id);
    if (!shown) return std::unexpected(shown.error());
    if (*shown) return {};
  }
  const PostfixFolders folders(context_->paths.queue_directory);
  for (const auto* queue : {"maildrop", "incoming", "active", "deferred", "hold", "saved"}) {
    if (const auto path = folders.find(queue, name); !path.empty())
      return show_file(fmt::format("{}/{}", folders.root(), path), path);
  }
  return fail(Errc::not_found, fmt::format("open queue file {}: {}", name, errno_text(ENOENT)));
}

int Postcat::run(const std::vector<std::string>& names) {
  Result<> done;
  if (names.empty()) done = show_input();
  for (const auto& name : names) {
    done = options_.by_id ? show_id(name) : show_file(name, name);
    if (!done) break;
  }
  return done ? kExitOk : console_.fatal(done.error().text, kExitFailure);
}

std::optional<std::string> parse(int argc, char** argv, Options& options) {
  optind = 1;
  for (int c = 0; (c = ::getopt(argc, argv, "bc:defhoqrs:v")) != -1;) {
    auto& print = options.print;
    if (c == 'b') print.body = true;
    if (c == 'c') options.config_directory = optarg;
    if (c == 'd') print.types = true;
    if (c == 'e') print.envelope = true;
    if (c == 'f') print.path = true;
    if (c == 'h') print.header = true;
    if (c == 'o') print.offsets = true;
    if (c == 'q') options.by_id = true;
    if (c == 'r') print.raw = true;
    if (c == 'v') print.verbose = true;
    if (c == 's') {
      const auto offset = parse_number(optarg, INT64_MAX);
      if (!offset) return fmt::format("bad offset: {}", printable(optarg, 80));
      print.start = *offset;
    }
    if (c == '?')
      return "usage: postcat [-b (body text)] [-c config_dir] [-d (decimal record type)] [-e (envelope records)] "
             "[-h (header text)] [-q (access queue)] [-v] [file(s)...]";
  }
  return std::nullopt;
}

}  // namespace

int postcat_main(int argc, char** argv) {
  Options options;
  if (const auto error = parse(argc, argv, options)) return Console("postcat").fatal(*error, kExitFailure);
  return Postcat(options).run(std::vector<std::string>(argv + optind, argv + argc));
}

}  // namespace waypost::tools
