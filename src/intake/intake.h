// The one way into the spool, for what comes by SMTP, from sendmail(1) and from the relay itself: trace header, header
// checks and completion, limits, commit. A message is acknowledged only after the spool says that it is on disk.
//
// Threads: Intake may be used from every io thread; a Message lives on the thread that began it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue_id.h"
#include "intake/header_fix.h"
#include "intake/received.h"
#include "mail/envelope.h"
#include "mail/header_scan.h"
#include "net/io_thread.h"
#include "net/task.h"
#include "routing/router.h"
#include "spool/spool.h"

namespace waypost::intake {

struct IntakeSettings {
  TraceSettings local_trace;     // of pickup, for what comes by sendmail
  TraceSettings internal_trace;  // of bounce, for the relay's own mail
  HeaderSettings headers;
  std::uint64_t message_size_limit = 10'240'000;  // bytes; 0: none
  std::uint64_t queue_minfree = 0;                // bytes
  std::uint32_t hopcount_limit = 50;
  bool always_add_missing_headers = false;
  bool keep_original_recipients = true;  // enable_original_recipient
  std::shared_ptr<const routing::Router> router;
};

// Why a message was not taken, as the SMTP server is to say it.
struct Refusal {
  int code = 451;
  std::string dsn, text;
};

struct Verdict {
  QueueId id;                      // when accepted
  std::optional<Refusal> refusal;  // else
};

// A message that is safe on disk, on its way to the queue.
struct Accepted {
  std::shared_ptr<const mail::Envelope> envelope;
  std::uint64_t size = 0;
  spool::Chunk content;  // null when it was streamed
};

struct Ports {
  spool::Spool& spool;
  const Clock& clock;
  Log log;  // postfix/cleanup
  QueueIdSource& ids;
  std::function<void(Accepted)> accepted;  // called on the io thread of the session; must not block
};

class Intake;

// One message on its way in.
class Message {
 public:
  Message(Intake& intake, mail::Envelope envelope, Trace trace, Completion completion);

  // Content as it is to be stored: dot-stuffing removed, lines ending in CRLF. A refusal is final.
  net::Task<std::optional<Refusal>> append(std::string_view content);
  // End of data: checks, commit, hand-over to the queue.
  net::Task<Verdict> finish();

 private:
  void add_content(std::string_view content);
  void end_headers();
  net::Task<Result<>> stream_out();
  net::Task<Result<>> commit(spool::Chunk last);
  void complete_envelope();

  Intake& intake_;
  std::shared_ptr<const IntakeSettings> settings_;
  mail::Envelope envelope_;
  Completion completion_;
  mail::HeaderScan scan_;
  std::string content_;
  std::size_t start_ = 0;       // where the client's own headers begin in content_
  std::uint64_t received_ = 0;  // bytes given by the client
  std::uint64_t streamed_ = 0;  // bytes handed to the spool already
  bool headers_done_ = false;
  std::string message_id_;
  std::unique_ptr<spool::Incoming> incoming_;
};

class Intake {
 public:
  Intake(Ports ports, std::shared_ptr<const IntakeSettings> settings);

  // Where a sender and its recipients are known. The envelope's id must be set (next_id).
  std::unique_ptr<Message> begin(mail::Envelope envelope, Trace trace, Completion completion);
  QueueId next_id() { return ports_.ids.next(ports_.clock.wall()); }

  // At MAIL FROM: whether a message of `declared_size` bytes (0: unknown) may come at all.
  std::optional<Refusal> check_space(std::uint64_t declared_size) const;

  // A whole message at once: a dropped file, a bounce. Content with LF or CRLF line ends.
  net::Task<Verdict> submit(mail::Envelope envelope, Trace trace, Completion completion, std::string content);

  // Messages begun before keep the settings they began with.
  void set_settings(std::shared_ptr<const IntakeSettings> settings) { settings_.store(std::move(settings)); }
  std::shared_ptr<const IntakeSettings> settings() const { return settings_.load(); }

 private:
  friend class Message;
  Ports ports_;
  std::atomic<std::shared_ptr<const IntakeSettings>> settings_;
};

}  // namespace waypost::intake
