#include "smtp_source/options.h"

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/clock.h"

namespace waypost::bench {

namespace {

constexpr char kUsage[] =
    "smtp-source: sends many messages and reports rate, latency and every unexpected answer as one JSON line.\n"
    "  --host A --port P              the relay (127.0.0.1:25)\n"
    "  -c N  -n N  -m N               sessions at once, messages in all, messages a connection (0: no limit)\n"
    "  -s BYTES or MIN-MAX            content size; a range needs --unique\n"
    "  --tls none|starttls|implicit   (none; certificates are not checked)\n"
    "  --auth USER:PASSWORD [--mechanism PLAIN|LOGIN|CRAM-MD5]\n"
    "  --pipelining                   MAIL, RCPT and DATA in one write\n"
    "  --recipients N --domains N --domain 'dest%d.example' --from A --user U --helo H\n"
    "  --rate R                       messages a second\n"
    "  --idle S                       only hold the sessions open\n"
    "  --bind A [--bind-range N]      source addresses A, A+1 ...\n"
    "  --ledger F                     a line for each message that was accepted, or whose fate is unknown\n"
    "  --unique                       a body of its own for each message\n"
    "  --no-resend                    a message whose connection broke after the final dot is not sent again\n"
    "  --run ID --timeout S --retry-ms MS --max-errors N --quit-nowait\n";

enum Id {
  kHelp = 255,
  kHost = 256,
  kPort,
  kTls,
  kAuth,
  kMechanism,
  kPipelining,
  kRecipients,
  kDomains,
  kDomain,
  kFrom,
  kUser,
  kHelo,
  kRate,
  kIdle,
  kBind,
  kBindRange,
  kLedger,
  kUnique,
  kNoResend,
  kRun,
  kTimeout,
  kRetry,
  kMaxErrors,
  kQuitNowait
};

constexpr std::array<option, 26> kOptions{{{"host", 1, nullptr, kHost},
                                           {"port", 1, nullptr, kPort},
                                           {"tls", 1, nullptr, kTls},
                                           {"auth", 1, nullptr, kAuth},
                                           {"mechanism", 1, nullptr, kMechanism},
                                           {"pipelining", 0, nullptr, kPipelining},
                                           {"recipients", 1, nullptr, kRecipients},
                                           {"domains", 1, nullptr, kDomains},
                                           {"domain", 1, nullptr, kDomain},
                                           {"from", 1, nullptr, kFrom},
                                           {"user", 1, nullptr, kUser},
                                           {"helo", 1, nullptr, kHelo},
                                           {"rate", 1, nullptr, kRate},
                                           {"idle", 1, nullptr, kIdle},
                                           {"bind", 1, nullptr, kBind},
                                           {"bind-range", 1, nullptr, kBindRange},
                                           {"ledger", 1, nullptr, kLedger},
                                           {"unique", 0, nullptr, kUnique},
                                           {"no-resend", 0, nullptr, kNoResend},
                                           {"run", 1, nullptr, kRun},
                                           {"timeout", 1, nullptr, kTimeout},
                                           {"retry-ms", 1, nullptr, kRetry},
                                           {"max-errors", 1, nullptr, kMaxErrors},
                                           {"quit-nowait", 0, nullptr, kQuitNowait},
                                           {"help", 0, nullptr, kHelp},
                                           {nullptr, 0, nullptr, 0}}};

void set_size(const char* value, SourceOptions& options) {
  options.size_min = options.size_max = static_cast<std::size_t>(std::atoll(value));
  if (const char* dash = std::strchr(value, '-')) options.size_max = static_cast<std::size_t>(std::atoll(dash + 1));
}

bool set_tls(const std::string& value, SourceOptions& options) {
  options.tls = value == "starttls" ? TlsUse::starttls : value == "implicit" ? TlsUse::implicit : TlsUse::none;
  return options.tls != TlsUse::none || value == "none";
}

// What is sent: messages and envelopes.
bool apply_message_option(int id, const char* value, SourceOptions& options) {
  switch (id) {
    case 's':
      set_size(value, options);
      return options.size_min <= options.size_max;
    case kRecipients:
      options.recipients = std::max(1, std::atoi(value));
      return true;
    case kDomains:
      options.domains = std::max(1, std::atoi(value));
      return true;
    case kDomain:
      options.domain = value;
      return true;
    case kFrom:
      options.sender = value;
      return true;
    case kUser:
      options.user = value;
      return true;
    case kUnique:
      options.unique_bodies = true;
      return true;
    case kRun:
      options.run = value;
      return true;
    default:
      return false;
  }
}

// Where to, how often and how long.
bool apply_session_option(int id, const char* value, SourceOptions& options) {
  switch (id) {
    case 'c':
      options.sessions = std::max(1, std::atoi(value));
      return true;
    case 'n':
      options.messages = std::atoll(value);
      return true;
    case 'm':
      options.per_connection = std::atoi(value);
      return true;
    case kHost:
      options.host = value;
      return true;
    case kPort:
      options.port = std::atoi(value);
      return true;
    case kRate:
      options.rate = std::atof(value);
      return true;
    case kIdle:
      options.idle_s = std::atof(value);
      return true;
    case kBind:
      options.bind = value;
      return true;
    case kBindRange:
      options.bind_range = std::atoi(value);
      return true;
    case kTimeout:
      options.timeout_s = std::atof(value);
      return true;
    case kRetry:
      options.retry_ms = std::atoll(value);
      return true;
    case kMaxErrors:
      options.max_errors = std::atoll(value);
      return true;
    default:
      return false;
  }
}

bool apply(int id, const char* value, SourceOptions& options) {
  switch (id) {
    case kTls:
      return set_tls(value, options);
    case kAuth:
      options.login = value;
      return options.login.find(':') != std::string::npos;
    case kMechanism:
      options.mechanism = value;
      return true;
    case kPipelining:
      options.pipelining = true;
      return true;
    case kHelo:
      options.helo = value;
      return true;
    case kLedger:
      options.ledger = value;
      return true;
    case kNoResend:
      options.resend = false;
      return true;
    case kQuitNowait:
      options.quit_nowait = true;
      return true;
    default:
      return apply_message_option(id, value, options) || apply_session_option(id, value, options);
  }
}

}  // namespace

bool parse_options(int argc, char** argv, SourceOptions& options) {
  int id = 0;
  bool ok = true;
  while (ok && (id = getopt_long(argc, argv, "c:n:s:m:", kOptions.data(), nullptr)) != -1)
    ok = apply(id, optarg, options);
  ok = ok && optind == argc && (options.size_min == options.size_max || options.unique_bodies);
  if (!ok) std::fputs(kUsage, stderr);
  // the sink tells runs apart by this name; '-' separates it from the number
  if (options.run.empty())
    options.run = "r" + std::to_string(getpid()) + "x" + std::to_string(now_ns() / kNsPerMs % 100'000'000);
  return ok && options.run.find('-') == std::string::npos;
}

}  // namespace waypost::bench
