// smtp_host_lookup = native: addresses by getaddrinfo(3), that is /etc/hosts and whatever nsswitch.conf names.
#pragma once

#include "dns/resolver.h"
#include "net/blocking.h"

namespace waypost::dns {

class NativeResolver final : public Resolver {
 public:
  explicit NativeResolver(net::BlockingPool& pool) : pool_(pool) {}
  // A, AAAA and PTR (the name is an address literal or its reverse name); other types answer Status::no_data. The
  // deadline is not kept: the C library has its own.
  net::Task<Answer> lookup(std::string name, Type type, MonoTime deadline) override;

 private:
  net::BlockingPool& pool_;
};

}  // namespace waypost::dns
