#include "intake/intake.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"
#include "events/events.h"
#include "net/completion.h"

namespace waypost::intake {
namespace {

constexpr std::size_t kFirstReserve = 16 * 1024;  // most messages fit without growing
const Refusal kTooBig{552, "5.3.4", "Error: message file too big"};
const Refusal kTooManyHops{554, "5.4.0", "Error: too many hops"};
const Refusal kNoSpace{452, "4.3.1", "Insufficient system storage"};
const Refusal kWriteError{451, "4.3.0", "Error: queue file write error"};

Refusal storage_refusal(const Error& error) { return error.code == Errc::no_space ? kNoSpace : kWriteError; }

// Local line ends to CRLF; what has CRLF already is kept.
std::string with_crlf(std::string text) {
  if (text.find('\n') == std::string::npos) {
    if (!text.empty()) text += "\r\n";
    return text;
  }
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  if (!out.ends_with('\n')) out += "\r\n";
  return out;
}

const TraceSettings& trace_settings(const Trace& trace, const IntakeSettings& settings) {
  if (trace.settings) return *trace.settings;
  return trace.origin == Origin::internal ? settings.internal_trace : settings.local_trace;
}

}  // namespace

Message::Message(Intake& intake, mail::Envelope envelope, Trace trace, Completion completion)
    : intake_(intake),
      settings_(intake.settings()),
      envelope_(std::move(envelope)),
      completion_(std::move(completion)) {
  WAYPOST_ASSERT(envelope_.id);
  completion_.wanted = completion_.wanted || settings_->always_add_missing_headers;
  content_.reserve(kFirstReserve);
  content_ = received_header(envelope_, trace, trace_settings(trace, *settings_));
  start_ = content_.size();
  complete_envelope();
}

// Addresses become complete before anything is decided by them; recipients that are the same then count once.
void Message::complete_envelope() {
  const auto& router = *settings_->router;
  if (!envelope_.sender.empty()) envelope_.sender = router.qualify(envelope_.sender);
  std::set<std::string> seen;
  std::vector<mail::Recipient> kept;
  kept.reserve(envelope_.recipients.size());
  for (auto& recipient : envelope_.recipients) {
    auto complete = router.qualify(recipient.address);
    if (envelope_.recipients.size() > 1 && !seen.insert(complete).second) continue;
    if (complete != recipient.address && recipient.original.empty()) {
      auto original = std::exchange(recipient.address, std::move(complete));
      if (settings_->keep_original_recipients) recipient.original = std::move(original);
    }
    kept.push_back(std::move(recipient));
  }
  envelope_.recipients = std::move(kept);
}

net::Task<std::optional<Refusal>> Message::append(std::string_view content) {
  received_ += content.size();
  if (settings_->message_size_limit > 0 && received_ > settings_->message_size_limit) {
    content_.clear();
    co_return kTooBig;
  }
  // A mailbox file's separator is no header, and would end the header section before it began.
  const bool separator = received_ == content.size() && (content.starts_with("From ") || content.starts_with(">From "));
  if (separator) add_content("X-Mailbox-Line: ");
  add_content(content);
  if (headers_done_ && content_.size() >= spool::kStreamThreshold) {
    const auto streamed = co_await stream_out();
    if (!streamed) co_return storage_refusal(streamed.error());
  }
  co_return std::nullopt;
}

void Message::add_content(std::string_view content) {
  content_.append(content);
  if (!headers_done_ && scan_.feed(content)) end_headers();
}

void Message::end_headers() {
  headers_done_ = true;
  message_id_ = fix_headers(content_, start_, scan_, envelope_, completion_, settings_->headers);
}

net::Task<Result<>> Message::stream_out() {
  if (!incoming_) incoming_ = intake_.ports_.spool.begin(envelope_.id);
  auto chunk = std::make_shared<const std::string>(std::exchange(content_, std::string()));
  streamed_ += chunk->size();
  net::Completion<Result<>> done(*net::IoThread::current());
  incoming_->append(std::move(chunk), done.resolver());
  auto result = co_await done.wait();
  co_return result;
}

net::Task<Verdict> Message::finish() {
  if (!headers_done_) {
    scan_.finish();
    end_headers();
  }
  const auto& ports = intake_.ports_;
  if (scan_.hop_count() + 1 >= settings_->hopcount_limit) {  // ours counts
    ports.log.warning("{}: message rejected: hopcount exceeded", envelope_.id.text());
    co_return Verdict{{}, kTooManyHops};
  }
  events::message_id(ports.log, envelope_.id, message_id_);
  if (scan_.is_resent()) events::resent_message_id(ports.log, envelope_.id, scan_.resent_message_id());
  auto content = std::make_shared<const std::string>(std::move(content_));
  const auto committed = co_await commit(content);
  if (!committed) {
    ports.log.warning("{}: {}", envelope_.id.text(), committed.error().text);
    co_return Verdict{{}, storage_refusal(committed.error())};
  }
  const QueueId id = envelope_.id;
  const std::uint64_t size = streamed_ + content->size();
  ports.accepted({std::make_shared<const mail::Envelope>(std::move(envelope_)), size,
                  streamed_ == 0 ? std::move(content) : nullptr});
  co_return Verdict{id, std::nullopt};
}

net::Task<Result<>> Message::commit(spool::Chunk last) {
  if (!incoming_) incoming_ = intake_.ports_.spool.begin(envelope_.id);
  net::Completion<Result<>> done(*net::IoThread::current());
  incoming_->commit(envelope_, std::move(last), done.resolver());
  auto result = co_await done.wait();
  co_return result;
}

Intake::Intake(Ports ports, std::shared_ptr<const IntakeSettings> settings)
    : ports_(std::move(ports)), settings_(std::move(settings)) {}

std::unique_ptr<Message> Intake::begin(mail::Envelope envelope, Trace trace, Completion completion) {
  return std::make_unique<Message>(*this, std::move(envelope), std::move(trace), std::move(completion));
}

std::optional<Refusal> Intake::check_space(std::uint64_t declared_size) const {
  const auto settings = settings_.load();
  if (settings->message_size_limit > 0 && declared_size > settings->message_size_limit) {
    return Refusal{552, "5.3.4", "Message size exceeds fixed limit"};
  }
  const auto space = ports_.spool.space();
  if (!space.accepting) return kNoSpace;
  if (space.free_bytes < settings->queue_minfree) {
    ports_.log.warning("not enough free space in mail queue: {} bytes < minimum free {}", space.free_bytes,
                       settings->queue_minfree);
    return kNoSpace;
  }
  if (space.free_bytes < settings->message_size_limit + settings->message_size_limit / 2) {
    ports_.log.warning("not enough free space in mail queue: {} bytes < 1.5*message size limit", space.free_bytes);
    return kNoSpace;
  }
  return std::nullopt;
}

net::Task<Verdict> Intake::submit(mail::Envelope envelope, Trace trace, Completion completion, std::string content) {
  const auto message = begin(std::move(envelope), std::move(trace), std::move(completion));
  const auto text = with_crlf(std::move(content));
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto piece = rest.substr(0, spool::kStreamThreshold);
    auto refusal = co_await message->append(piece);
    if (refusal) co_return Verdict{{}, std::move(refusal)};
    rest.remove_prefix(piece.size());
  }
  auto verdict = co_await message->finish();
  co_return verdict;
}

}  // namespace waypost::intake
