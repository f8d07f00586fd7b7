#include "common/ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace waypost::bench {

Ledger::~Ledger() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool Ledger::open(const std::string& path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) std::fprintf(stderr, "cannot open %s: %s\n", path.c_str(), std::strerror(errno));
  return descriptor_ >= 0;
}

void Ledger::add(const LedgerEntry& entry) {
  std::string line = std::to_string(entry.at_ns);
  line.append(" ").append(entry.state).append(" ").append(entry.run.empty() ? "-" : entry.run);
  line.append(" ").append(std::to_string(entry.seq)).append(" ").append(entry.sha256).append(" ");
  for (std::size_t i = 0; i < entry.recipients.size(); ++i) line.append(i == 0 ? "" : ",").append(entry.recipients[i]);
  line += '\n';
  if (::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    // a ledger with a hole proves nothing
    std::fprintf(stderr, "cannot write the ledger: %s\n", std::strerror(errno));
    std::abort();
  }
}

}  // namespace waypost::bench
