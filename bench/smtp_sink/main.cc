// smtp-sink: see options.cc for what it can do.
#include <csignal>
#include <cstdio>

#include "smtp_sink/server.h"

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void ask_stop(int) { stop_asked = 1; }

}  // namespace

int main(int argc, char** argv) {
  using namespace waypost::bench;
  SinkOptions options;
  if (!parse_options(argc, argv, options)) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, ask_stop);
  std::signal(SIGTERM, ask_stop);
  raise_descriptor_limit();
  SinkServer server(options);
  if (!server.open()) return 1;
  std::printf("listening %d control %d\n", server.port(), server.control_port());
  std::fflush(stdout);
  server.run(stop_asked);
  std::printf("%s\n", server.stats().c_str());
  return 0;
}
