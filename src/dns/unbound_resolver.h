// The resolver: libunbound, validating and caching, on one thread of its own that starts with the first lookup.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dns/resolver.h"

namespace waypost::dns {

struct ResolverSettings {
  // "192.0.2.53", "::1@5353": whom to ask. Empty: the servers of resolv_conf.
  std::vector<std::string> servers;
  std::string resolv_conf = "/etc/resolv.conf";
  // DNSSEC: a trust anchor file (RFC 5011 or zone format), or anchors in zone format. Without any, nothing is secure.
  std::string trust_anchor_file;
  std::vector<std::string> trust_anchors;
  // Zones that libunbound would answer by itself ("test.", "10.in-addr.arpa.") and that the servers shall answer.
  std::vector<std::string> transparent_zones;
  // Upper limits of the caches, which grow as they fill.
  std::size_t message_cache_bytes = 8 << 20;
  std::size_t record_cache_bytes = 16 << 20;
  std::size_t key_cache_bytes = 1 << 20;
};

class UnboundResolver final : public Resolver {
 public:
  // No thread and no memory before the first lookup; a setting that libunbound refuses makes lookups answer
  // Status::temporary with its reason in `failure`.
  explicit UnboundResolver(ResolverSettings settings);
  // Lookups under way answer Status::temporary. The io threads must still exist.
  ~UnboundResolver() override;
  UnboundResolver(const UnboundResolver&) = delete;
  UnboundResolver& operator=(const UnboundResolver&) = delete;

  net::Task<Answer> lookup(std::string name, Type type, MonoTime deadline) override;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace waypost::dns
