// What the command line of smtp-source can say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace waypost::bench {

enum class TlsUse : unsigned char { none, starttls, implicit };

struct SourceOptions {
  std::string host = "127.0.0.1";
  int port = 25;
  int sessions = 1;
  std::int64_t messages = 1;
  std::size_t size_min = 2048, size_max = 2048;  // content bytes, header included
  int per_connection = 0;                        // messages a connection; 0: as many as there are
  TlsUse tls = TlsUse::none;
  std::string login, mechanism = "PLAIN";  // user:password
  bool pipelining = false;
  int recipients = 1;
  int domains = 1;
  std::string domain = "dest%d.example";  // %d: number of the domain
  std::string sender = "load@sender.example", user = "rcpt", helo = "load.example";
  std::string run;   // names this run in X-Seq and the ledger
  std::string bind;  // source address; with bind_range addresses from it upwards, one a connection
  int bind_range = 0;
  double rate = 0;        // messages a second over all sessions; 0: as fast as they go
  double idle_s = -1;     // >= 0: only hold the sessions open so long
  double timeout_s = 60;  // without an answer
  std::int64_t retry_ms = 100;
  std::int64_t max_errors = 2000;
  std::string ledger;          // file
  bool unique_bodies = false;  // each message has a body of its own, derived from its number
  bool resend = true;          // also a message whose connection broke after the final dot
  bool quit_nowait = false;    // close without waiting for the answer to QUIT
};

// False after a usage message on stderr.
bool parse_options(int argc, char** argv, SourceOptions& options);

}  // namespace waypost::bench
