#include "tools/queue_import.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <future>

#include <fmt/format.h>

#include "base/text.h"
#include "daemon/paths.h"
#include "intake/drop_file.h"
#include "mail/address.h"
#include "postfix_queue/failure_log.h"
#include "postfix_queue/queue_name.h"

namespace waypost::tools {
namespace {

using postfix_queue::ContentReader;
using postfix_queue::FileRecipient;
using postfix_queue::Form;

// In the order in which a message moves through them.
constexpr std::array<std::string_view, 5> kQueues = {"maildrop", "incoming", "active", "deferred", "hold"};
constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
constexpr std::uint64_t kMaxIdAttempts = 1000;

// A file that a user dropped, or one that postsuper -r put there to go through the cleanup again?
Form form_of(const QueueEntry& entry, const QueueFileSource& source, std::optional<uid_t> owner) {
  if (entry.queue != "maildrop") return Form::complete;
  if (source.status().st_uid != owner || (source.status().st_mode & S_IROTH) != 0) return Form::dropped;
  const auto first = source.read(0, 1);
  return first && *first == "C" ? Form::complete : Form::dropped;
}

// Where a file stands while its writer is at it.
bool is_way_in(const QueueEntry& entry) { return entry.queue == "maildrop" || entry.queue == "incoming"; }

// Why a message cannot be delivered as it asks; empty: it can.
std::string refusal(const postfix_queue::QueueFile& file) {
  if (!file.filter.empty())
    return fmt::format(
        "it must pass the content filter {}, which is not supported; let Postfix deliver it, or requeue "
        "it there without the filter (postsuper -r)",
        printable(file.filter, 200));
  if (!file.verp.empty()) return "it asks for VERP, which is not supported; let Postfix deliver it";
  if (file.requires_tls) return "it asks for REQUIRETLS, which is not supported; let Postfix deliver it";
  if (file.is_probe) return "it only probes an address; let Postfix finish it, or remove it";
  return "";
}

// What the log says about `recipients`, the newest last.
void take_reasons(const std::vector<postfix_queue::FailureEntry>& entries, const std::vector<FileRecipient>& recipients,
                  std::vector<mail::RecipientProgress>& progress) {
  std::map<std::uint64_t, std::size_t> by_offset;
  std::map<std::string, std::size_t, std::less<>> by_address;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    by_offset.emplace(recipients[i].offset, i);
    by_address.emplace(recipients[i].recipient.address, i);
  }
  for (const auto& entry : entries) {
    const auto at = by_offset.find(entry.offset);
    const auto named = by_address.find(entry.recipient);
    if (at == by_offset.end() && named == by_address.end()) continue;
    auto& recipient = progress[at != by_offset.end() ? at->second : named->second];
    recipient.dsn = entry.dsn;
    recipient.reason = entry.reason;
  }
}

Result<spool::Chunk> read_chunk(ContentReader& reader, std::size_t wanted) {
  auto piece = reader.read(wanted);
  if (!piece) return std::unexpected(piece.error());
  return std::make_shared<const std::string>(std::move(*piece));
}

Result<> await(std::future<Result<>> result) { return result.get(); }

spool::Done done_for(std::promise<Result<>> promise) {
  return [promise = std::move(promise)](Result<> result) mutable { promise.set_value(std::move(result)); };
}

// Hands the content to the spool; the future is the commit's.
Result<std::future<Result<>>> begin_commit(spool::Spool& spool, const mail::Envelope& envelope,
                                           const postfix_queue::ByteSource& source,
                                           const postfix_queue::QueueFile& file) {
  auto incoming = spool.begin(envelope.id);
  ContentReader reader(source, file);
  std::uint64_t left = file.content_size;
  while (left > spool::kStreamThreshold) {
    auto chunk = read_chunk(reader, kChunkBytes);
    if (!chunk) return std::unexpected(chunk.error());
    left -= std::min<std::uint64_t>(left, (*chunk)->size());
    std::promise<Result<>> promise;
    auto appended = promise.get_future();
    incoming->append(std::move(*chunk), done_for(std::move(promise)));
    if (auto result = await(std::move(appended)); !result) return std::unexpected(result.error());
  }
  auto last = read_chunk(reader, SIZE_MAX);
  if (!last) return std::unexpected(last.error());
  std::promise<Result<>> promise;
  auto committed = promise.get_future();
  incoming->commit(envelope, std::move(*last), done_for(std::move(promise)));
  return committed;
}

}  // namespace

QueueImport::QueueImport(Parts parts, std::map<QueueId, Stored> stored)
    : parts_(std::move(parts)), stored_(std::move(stored)) {}

Result<ImportCounts> QueueImport::run() {
  Result<> done;
  for (const auto queue : kQueues) {
    done = parts_.folders.for_each(std::string(queue), [this](const QueueEntry& entry) { return take(entry); });
    if (!done) break;
  }
  // Also after a failure: nothing may stay half done.
  if (auto ended = end_batch(); done && !ended) done = ended;
  if (auto synced = sync_folders(); done && !synced) done = synced;
  if (!done) return std::unexpected(done.error());
  return counts_;
}

void QueueImport::skip(const QueueEntry& entry, std::string_view why) {
  ++counts_.skipped;
  const auto text = fmt::format("{}: skipped: {}", entry.path(), why);
  if (parts_.log != nullptr) return parts_.log->warning(text);
  parts_.console.warning(text);
}

// Why the file as such cannot be taken; empty: it can.
std::string QueueImport::objection(const QueueEntry& entry, const QueueFileSource& source) {
  const auto& status = source.status();
  if (!source.ready())
    return fmt::format(
        "its mode {:04o} is not that of a complete message (0700), so Postfix passes over it, too; chmod 0700 it if it "
        "is whole",
        status.st_mode & 07777);
  if (status.st_nlink == 1) return "";
  if (entry.queue == "maildrop") return "it has more than one name";  // whoever may submit could make one
  return linked_.emplace(status.st_dev, status.st_ino).second ? "" : "it is another name of a file that is taken over";
}

// One bad file is that file's trouble only; errors that are returned end the run.
Result<> QueueImport::take(const QueueEntry& entry) {
  auto source = QueueFileSource::open(fmt::format("{}/{}", parts_.folders.root(), entry.path()));
  if (!source) {
    skip(entry, source.error().text);
    return {};
  }
  if (!source->ready() && is_way_in(entry)) {
    ++counts_.unfinished;
    return {};
  }
  if (const auto why = objection(entry, *source); !why.empty()) {
    skip(entry, why);
    return {};
  }
  const auto form = form_of(entry, *source, parts_.folders.owner());
  auto file = read_queue_file(*source, form);
  if (!file) {
    skip(entry, file.error().text);
    return {};
  }
  if (const auto why = refusal(*file); !why.empty()) {
    skip(entry, why);
    return {};
  }
  Candidate candidate{entry, std::make_unique<QueueFileSource>(std::move(*source)), std::move(*file), {}, false, false};
  return form == Form::dropped ? take_dropped(candidate) : take_complete(std::move(candidate));
}  // NOLINT(clang-analyzer-cplusplus.NewDeleteLeaks): it loses the owner in the parameter of take_complete

// What the user wrote has yet to become a message: pickup does that, as it does for our own sendmail.
Result<> QueueImport::take_dropped(const Candidate& candidate) {
  const auto& [entry, source, file, progress, is_stored, keep_state] = candidate;
  if (file.content_size > kMaxDropBytes) {
    skip(entry, fmt::format("larger than {} bytes", kMaxDropBytes));
    return {};
  }
  intake::Drop drop{.sender = mail::to_external(file.envelope.sender),
                    .full_name = file.full_name,
                    .encoding = file.envelope.encoding,
                    .dsn_return = file.envelope.dsn_return,
                    .dsn_envid = file.envelope.dsn_envid};
  for (const auto& [recipient, offset] : file.pending) {
    drop.recipients.push_back(mail::to_external(recipient.address));
    drop.notify = recipient.notify;  // sendmail gives all of them the same
  }
  auto content = ContentReader(*source, file).read(SIZE_MAX);
  if (!content) return std::unexpected(content.error());
  drop.content = std::move(*content);
  if (auto encoded = intake::encode_drop(drop); !encoded) {
    skip(entry, encoded.error().text);
    return {};
  }
  ++counts_.dropped;
  if (parts_.spool == nullptr) return {};
  const intake::DropOrigin origin{"postfix-" + entry.name, source->status().st_uid, source->modified()};
  if (auto written = intake::write_drop(parts_.drop_folder, drop, origin); !written) return written;
  return move_aside(entry);
}

Result<> QueueImport::take_complete(Candidate candidate) {
  auto& [entry, source, file, progress, is_stored, keep_state] = candidate;
  read_logs(candidate);
  if (file.pending.empty()) {
    ++counts_.finished;
    return parts_.spool == nullptr ? Result<>() : move_aside(entry);
  }
  choose_id(candidate);
  if (!file.envelope.id) {
    skip(entry, "there is no free queue id for it");
    return {};
  }
  for (const auto& recipient : file.pending) file.envelope.recipients.push_back(recipient.recipient);
  progress.held = entry.queue == "hold";
  progress.force_expire = source->forced_to_expire();
  progress.delay_notified = file.delay_told;
  if (entry.queue == "deferred") {
    progress.attempts = 1;  // at least: Postfix does not count them
    progress.next_attempt = source->modified();
  }
  batch_bytes_ += std::min<std::uint64_t>(file.content_size, spool::kStreamThreshold);
  batch_.push_back(std::move(candidate));
  if (batch_.size() < kImportBatch && batch_bytes_ < kImportBatchBytes) return {};
  return end_batch();
}

// Reasons for mailq from the defer log. A bounce log names recipients that failed while their sender has not been told
// yet: they are tried once more, so that he is.
void QueueImport::read_logs(Candidate& candidate) const {
  const auto& name = candidate.entry.name;
  auto& file = candidate.file;
  for (const auto& entry : postfix_queue::parse_failure_log(parts_.folders.log("bounce", name))) {
    const auto found = std::ranges::find(file.finished, entry.offset, &FileRecipient::offset);
    if (found == file.finished.end() || found->recipient.address != entry.recipient) continue;
    file.pending.push_back(std::move(*found));
    file.finished.erase(found);
  }
  candidate.progress.recipients.resize(file.pending.size());
  take_reasons(postfix_queue::parse_failure_log(parts_.folders.log("defer", name)), file.pending,
               candidate.progress.recipients);
  if (!parts_.folders.find("trace", name).empty())
    parts_.console.warning(
        fmt::format("{}: a delivery report that Postfix has not sent yet (trace/{}) is not taken over",
                    candidate.entry.path(), name));
}

// Its own id where it has one that is free or already names this very message; else the next that is.
void QueueImport::choose_id(Candidate& candidate) {
  auto& envelope = candidate.file.envelope;
  const auto microseconds = static_cast<std::uint32_t>(envelope.arrival.time_since_epoch().count() % 1'000'000);
  const auto own = postfix_queue::to_queue_id(candidate.entry.name);
  const auto first =
      own.value_or(QueueId(microseconds, candidate.source->status().st_ino % postfix_queue::kMaxTakenNumber));
  for (std::uint64_t i = 0; i < kMaxIdAttempts && !envelope.id; ++i) {
    const auto id = QueueId::from_bits(first.bits() + i);
    const auto [known, is_new] = stored_.emplace(id, Stored{envelope.arrival, true});
    if (!is_new && known->second.arrival != envelope.arrival) continue;
    candidate.is_stored = !is_new;
    candidate.keep_state = !known->second.untouched;
    envelope.id = id;
  }
}

Result<> QueueImport::end_batch() {
  auto batch = std::exchange(batch_, {});
  batch_bytes_ = 0;
  if (parts_.spool != nullptr && !batch.empty()) {
    // What the spool did not take stays with Postfix; the rest is moved all the same.
    const auto stored = store(batch);
    for (const auto& candidate : batch) {
      if (auto settled = settle(candidate); !settled) return settled;
    }
    if (auto synced = sync_folders(); stored && !synced) return synced;
    return stored;
  }
  for (const auto& candidate : batch) {
    if (auto settled = settle(candidate); !settled) return settled;
  }
  return {};
}

// Commits all of them, with their state, and takes out of `batch` what failed. What the spool cannot hold is skipped:
// it would be in the way of the rest for ever.
Result<> QueueImport::store(std::vector<Candidate>& batch) {
  Result<> first;
  std::vector<std::future<Result<>>> commits(batch.size());
  for (std::size_t i = 0; i < batch.size() && first; ++i) {
    auto& [entry, source, file, progress, is_stored, keep_state] = batch[i];
    if (is_stored) continue;
    auto begun = begin_commit(*parts_.spool, file.envelope, *source, file);
    if (begun) {
      commits[i] = std::move(*begun);
    } else {
      first = fail(begun.error().code, fmt::format("{}: {}", entry.path(), begun.error().text));
    }
  }
  std::vector<Candidate> kept;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i].is_stored) {
      if (!commits[i].valid()) continue;
      if (const auto committed = await(std::move(commits[i])); !committed) {
        const auto& [code, text] = committed.error();
        if (code == Errc::invalid) {
          skip(batch[i].entry, text);
        } else if (first) {
          first = fail(code, fmt::format("{}: {}", batch[i].entry.path(), text));
        }
        continue;
      }
    }
    if (!batch[i].keep_state) parts_.spool->record(batch[i].file.envelope.id, batch[i].progress);
    kept.push_back(std::move(batch[i]));
  }
  batch = std::move(kept);
  if (auto flushed = parts_.spool->flush(); !flushed) {
    batch.clear();  // whether they are on disk is not known: they stay in both places, and the next run sorts it out
    return flushed;
  }
  return first;
}

// The message is ours now: its file goes, and the books say so.
Result<> QueueImport::settle(const Candidate& candidate) {
  const auto& [entry, source, file, progress, is_stored, keep_state] = candidate;
  const auto& envelope = file.envelope;
  if (parts_.spool != nullptr) {
    if (auto moved = move_aside(entry); !moved) return moved;
    parts_.log->note(fmt::format("{}: from=<{}>, size={}, nrcpt={} (taken over from {})", envelope.id.text(),
                                 printable(envelope.sender), file.content_size, envelope.recipients.size(),
                                 entry.path()));
  }
  if (envelope.id.text() != entry.name) write_stdout(fmt::format("{} -> {}\n", entry.path(), envelope.id.text()));
  ++counts_.messages;
  counts_.bytes += file.content_size;
  counts_.recipients += envelope.recipients.size();
  counts_.held += progress.held ? 1 : 0;
  counts_.repeated += is_stored ? 1 : 0;
  return {};
}

Result<> QueueImport::move_aside(const QueueEntry& entry) {
  if (auto moved = parts_.folders.move_aside(entry, daemon::kImportedFolder); !moved) return moved;
  for (auto& folder : {entry.folder, fmt::format("{}/{}", daemon::kImportedFolder, entry.folder)}) {
    if (std::ranges::find(touched_, folder) == touched_.end()) touched_.push_back(folder);
  }
  return {};
}

// A rename that a crash undoes is made again by the next run, which finds the message in the spool.
Result<> QueueImport::sync_folders() {
  Result<> done;
  for (const auto& folder : std::exchange(touched_, {})) {
    auto synced = sync_folder(fmt::format("{}/{}", parts_.folders.root(), folder));
    if (done) done = std::move(synced);
  }
  return done;
}

}  // namespace waypost::tools
