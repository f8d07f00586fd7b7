// smtp-source: see options.cc for what it can do.
#include <csignal>
#include <cstdio>

#include "smtp_source/source.h"

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void ask_stop(int) { stop_asked = 1; }

}  // namespace

int main(int argc, char** argv) {
  using namespace waypost::bench;
  SourceOptions options;
  if (!parse_options(argc, argv, options)) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, ask_stop);
  std::signal(SIGTERM, ask_stop);
  raise_descriptor_limit();
  Source source(options);
  if (!source.open()) return 1;
  const bool all_done = source.run(stop_asked);
  std::printf("%s\n", source.json().c_str());
  return all_done ? 0 : 1;
}
