#include "smtp_sink/options.h"

#include <getopt.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace waypost::bench {

namespace {

constexpr char kUsage[] =
    "smtp-sink: accepts mail, counts it and throws it away, or misbehaves as told.\n"
    "  --host A --port P --control-port P   where to listen (127.0.0.1, any free port); both ports are printed at "
    "start\n"
    "  --name HOST                           in the greeting (sink.example)\n"
    "  --cert F --key F [--implicit-tls]     PEM files: offers STARTTLS, or speaks TLS from the start\n"
    "  --auth USER:PASSWORD [--mechanisms 'PLAIN LOGIN CRAM-MD5']  offers AUTH\n"
    "  --require-tls --require-auth          530 to MAIL without it\n"
    "  --without KEYWORD,...                 EHLO keywords not to offer: PIPELINING SIZE 8BITMIME ...\n"
    "  --with KEYWORD,...                    EHLO keywords to offer besides: DSN SMTPUTF8 ...\n"
    "  --size N                              the SIZE it announces\n"
    "  --max-sessions N                      421 above\n"
    "  --rule RULE                           may be repeated: STAGE[/PATTERN][%RATE][#TIMES]=ACTION\n"
    "      STAGE connect ehlo helo starttls auth mail rcpt data eod rset quit; PATTERN: sender or recipient with * and "
    "?\n"
    "      RATE 0..1; TIMES: only so often; ACTION: '451 4.3.0 text' | close | silence | endless | flood | delay MS "
    "[REPLY]\n"
    "  --ledger F                            a line for each message: NS accepted RUN SEQ SHA256 RECIPIENTS\n"
    "  --store DIR                           each message as N.eml with its envelope in N.json\n"
    "  --print                               each message on stdout\n"
    "  --verbose                             the dialogue on stderr\n"
    "Control port, one command a line: stats | reset [RUN] | wait N MS | missing N MAX | rule RULE | norules | quit\n";

enum Id {
  kHelp = 255,
  kHost = 256,
  kPort,
  kControl,
  kName,
  kCert,
  kKey,
  kImplicit,
  kAuth,
  kMechanisms,
  kNeedTls,
  kNeedAuth,
  kWithout,
  kWith,
  kSize,
  kSessions,
  kRule,
  kLedger,
  kStore,
  kPrint,
  kVerbose
};

constexpr std::array<option, 22> kOptions{{{"host", 1, nullptr, kHost},
                                           {"port", 1, nullptr, kPort},
                                           {"control-port", 1, nullptr, kControl},
                                           {"name", 1, nullptr, kName},
                                           {"cert", 1, nullptr, kCert},
                                           {"key", 1, nullptr, kKey},
                                           {"implicit-tls", 0, nullptr, kImplicit},
                                           {"auth", 1, nullptr, kAuth},
                                           {"mechanisms", 1, nullptr, kMechanisms},
                                           {"require-tls", 0, nullptr, kNeedTls},
                                           {"require-auth", 0, nullptr, kNeedAuth},
                                           {"without", 1, nullptr, kWithout},
                                           {"with", 1, nullptr, kWith},
                                           {"size", 1, nullptr, kSize},
                                           {"max-sessions", 1, nullptr, kSessions},
                                           {"rule", 1, nullptr, kRule},
                                           {"ledger", 1, nullptr, kLedger},
                                           {"store", 1, nullptr, kStore},
                                           {"print", 0, nullptr, kPrint},
                                           {"verbose", 0, nullptr, kVerbose},
                                           {"help", 0, nullptr, kHelp},
                                           {nullptr, 0, nullptr, 0}}};

bool apply(int id, const char* value, SinkOptions& options) {
  switch (id) {
    case kHost:
      options.host = value;
      return true;
    case kPort:
      options.port = std::atoi(value);
      return true;
    case kControl:
      options.control_port = std::atoi(value);
      return true;
    case kName:
      options.name = value;
      return true;
    case kCert:
      options.certificate = value;
      return true;
    case kKey:
      options.key = value;
      return true;
    case kImplicit:
      options.implicit_tls = true;
      return true;
    case kAuth:
      options.login = value;
      return true;
    case kMechanisms:
      options.mechanisms = value;
      return true;
    case kNeedTls:
      options.require_tls = true;
      return true;
    case kNeedAuth:
      options.require_auth = true;
      return true;
    case kWithout:
      options.without = value;
      return true;
    case kWith:
      options.with = value;
      return true;
    case kSize:
      options.size_limit = std::atoll(value);
      return true;
    case kSessions:
      options.max_sessions = std::atoi(value);
      return true;
    case kRule:
      options.rules.emplace_back(value);
      return true;
    case kLedger:
      options.ledger = value;
      return true;
    case kStore:
      options.store = value;
      return true;
    case kPrint:
      options.print = true;
      return true;
    case kVerbose:
      options.verbose = true;
      return true;
    default:
      return false;
  }
}

}  // namespace

bool parse_options(int argc, char** argv, SinkOptions& options) {
  int id = 0;
  while ((id = getopt_long(argc, argv, "", kOptions.data(), nullptr)) != -1) {
    if (!apply(id, optarg, options)) {
      std::fputs(kUsage, stderr);
      return false;
    }
  }
  if (optind < argc || (options.implicit_tls && options.certificate.empty())) {
    std::fputs(kUsage, stderr);
    return false;
  }
  if (options.key.empty()) options.key = options.certificate;
  return true;
}

}  // namespace waypost::bench
