#include "spool_ledger.h"

#include <cstdlib>

#include <fmt/format.h>

namespace waypost::spool::crash {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define WAYPOST_SLOW_BUILD 1
#endif
#endif

std::size_t thinning() {
  if (std::getenv("WAYPOST_CRASH_EVERY_POINT") != nullptr) return 0;  // NOLINT(concurrency-mt-unsafe)
#if defined(WAYPOST_SLOW_BUILD)
  return 12;
#else
  return 1;
#endif
}

SpoolSettings crash_settings() {
  SpoolSettings settings;
  settings.segment_size_bytes = 64 << 10;
  settings.reclaim_floor_bytes = 192 << 10;
  settings.retry_time = std::chrono::milliseconds(5);
  settings.dirty_time = std::chrono::milliseconds(5);
  settings.idle_time = std::chrono::milliseconds(50);
  settings.sidecar_delay = std::chrono::milliseconds(0);
  settings.spare_segments = 2;
  return settings;
}

mail::Envelope envelope_of(QueueId id) {
  mail::Envelope envelope;
  envelope.id = id;
  envelope.sender = id.text() + "@example.com";
  envelope.recipients.resize(1 + id.number() % 3);
  for (auto& recipient : envelope.recipients) recipient.address = "to-" + id.text() + "@example.net";
  return envelope;
}

std::string body_of(QueueId id, std::size_t size) {
  std::string body;
  while (body.size() < size) body += id.text() + "/" + std::to_string(body.size()) + "\r\n";
  body.resize(size);
  return body;
}

namespace {

class Checker {
 public:
  Checker(FaultFileSystem& files, const Expectation& expected, bool strict)
      : files_(files), expected_(expected), strict_(strict) {}

  std::vector<std::string> run() {
    CapturingLog log;
    auto opened = open_spool(kDirectory, crash_settings(), files_, Log(log, "postfix/qmgr", 1));
    if (!opened) return {"open: " + opened.error().text};
    spool_ = std::move(*opened);
    auto report = spool_->scan([&](StoredMessage message) { check_found(message); });
    if (!report) return {"scan: " + report.error().text};
    if (report->quarantined_records > 0)
      for (const std::string& note : report->notes) complain("quarantine: " + note);
    for (const QueueId id : found_) check_content(id);
    for (const auto& [id, message] : expected_.messages) check_missing(id, message);
    return std::move(complaints_);
  }

 private:
  void complain(std::string text) { complaints_.push_back(std::move(text)); }

  void check_found(const StoredMessage& stored) {
    const QueueId id = stored.envelope.id;
    if (!found_.insert(id).second) return complain(id.text() + " twice");
    const auto known = expected_.messages.find(id);
    if (known == expected_.messages.end()) return complain(id.text() + " was never handed over");
    const auto& message = known->second;
    if (message.refused && strict_) complain(id.text() + " was refused and is back");
    if (message.removal_kept) complain(id.text() + " was removed and is back");
    const mail::Envelope envelope = envelope_of(id);
    if (stored.envelope.sender != envelope.sender || stored.envelope.recipients.size() != envelope.recipients.size())
      complain(id.text() + " has another envelope");
    if (stored.size != message.size) complain(id.text() + " has another size");
    const std::uint32_t attempts = stored.progress.attempts;
    if (attempts != 0 && !message.states.contains(attempts)) complain(id.text() + " has a state nobody recorded");
    if (attempts < message.state_kept)
      complain(fmt::format("{} went back from state {} to {}", id.text(), message.state_kept, attempts));
  }

  void check_content(QueueId id) {
    const auto known = expected_.messages.find(id);
    if (known == expected_.messages.end()) return;
    auto reader = spool_->open(id);
    if (!reader) return complain(id.text() + " cannot be opened: " + reader.error().text);
    auto content = (*reader)->read(0, known->second.size + 1);
    if (!content) return complain(id.text() + " cannot be read: " + content.error().text);
    if (*content != body_of(id, known->second.size)) complain(id.text() + " has another content");
  }

  void check_missing(QueueId id, const Expectation::Message& message) {
    if (message.accepted && !message.removal_asked && !found_.contains(id)) complain(id.text() + " is lost");
  }

  FaultFileSystem& files_;
  const Expectation& expected_;
  const bool strict_;
  std::unique_ptr<SegmentSpool> spool_;
  std::set<QueueId> found_;
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> check(FaultFileSystem& files, const Expectation& expected, bool strict) {
  return Checker(files, expected, strict).run();
}

}  // namespace waypost::spool::crash
