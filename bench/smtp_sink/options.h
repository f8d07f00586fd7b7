// What the command line of smtp-sink can say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace waypost::bench {

struct SinkOptions {
  std::string host = "127.0.0.1";
  int port = 0;          // 0: any free port, printed at start
  int control_port = 0;  // likewise
  int backlog = 4096;
  std::string name = "sink.example";
  std::string certificate, key;  // PEM files; with them STARTTLS is offered
  bool implicit_tls = false;
  std::string login;  // user:password; empty: no AUTH
  std::string mechanisms = "PLAIN LOGIN CRAM-MD5";
  bool require_tls = false, require_auth = false;  // MAIL is answered 530 without it
  std::string without;                             // EHLO keywords that are not offered, separated by commas
  std::string with;                                // and those that are offered besides
  std::int64_t size_limit = 200 << 20;             // announced with SIZE
  int max_sessions = 0;                            // above: 421; 0: no limit
  std::string ledger;                              // file
  std::string store;                               // folder: N.eml and N.json for each message
  bool print = false;                              // each message to stdout
  bool verbose = false;                            // the dialogue to stderr
  std::vector<std::string> rules;                  // see rules.h
};

// False after a usage message on stderr.
bool parse_options(int argc, char** argv, SinkOptions& options);

}  // namespace waypost::bench
