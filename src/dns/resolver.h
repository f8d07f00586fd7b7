// Name service answers, and the interface that gives them. Implementations: UnboundResolver (validating, caching),
// NativeResolver (the system's own: /etc/hosts and what nsswitch.conf says), FakeResolver (for tests).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "net/task.h"

namespace waypost::dns {

enum class Type : std::uint16_t { a = 1, ptr = 12, mx = 15, txt = 16, aaaa = 28, srv = 33, tlsa = 52 };
std::string_view type_name(Type type);  // "A", "MX", ...

enum class Status : std::uint8_t {
  ok,         // at least one record of the type
  no_data,    // the name exists, without records of the type
  nxdomain,   // the name does not exist, or is none
  temporary,  // no usable answer: SERVFAIL, REFUSED, time-out, no server; try again later
  bogus,      // DNSSEC says that the answer is forged or the zone broken: treat as temporary, use nothing of it
  malformed,  // an answer that breaks the format
};

struct MxRecord {
  std::uint16_t preference = 0;
  std::string host;  // "." is the null MX of RFC 7505
  bool operator==(const MxRecord&) const = default;
};

struct SrvRecord {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;
  bool operator==(const SrvRecord&) const = default;
};

struct TlsaRecord {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;  // bytes
  bool operator==(const TlsaRecord&) const = default;
};

// Only the list that belongs to the question's type is filled. Names are without their final dot, as they came
// otherwise (their case too). The order is the answer's; who prefers, sorts.
struct Answer {
  Status status = Status::temporary;
  std::vector<std::string> addresses;  // A, AAAA
  std::vector<MxRecord> mx;
  std::vector<std::string> names;  // PTR
  std::vector<std::string> texts;  // TXT: the strings of one record joined; any bytes
  std::vector<SrvRecord> srv;
  std::vector<TlsaRecord> tlsa;
  std::string canonical_name;  // where CNAMEs led; the question's name without any
  bool secure = false;         // validated by DNSSEC
  std::uint32_t ttl_s = 0;
  // When not ok: "Host or domain name not found. Name service error for name=N type=MX: Host not found".
  std::string failure;

  // RFC 7505: the domain accepts no mail.
  bool is_null_mx() const { return mx.size() == 1 && mx.front().host == "."; }
};

// What `failure` says for a status, in Postfix's words.
std::string failure_text(Status status, std::string_view name, Type type);
// An Answer of a status other than ok.
Answer failed_answer(Status status, std::string_view name, Type type);

// "4.3.2.1.in-addr.arpa", "...ip6.arpa" for an address literal; empty for anything else.
std::string reverse_name(std::string_view address);
// The way back; empty for a name that reverse_name() would not make.
std::string address_of_reverse_name(std::string_view name);

class Resolver {
 public:
  virtual ~Resolver() = default;
  // From a coroutine of an io thread, which it resumes on. `name` is absolute, in ASCII, with or without a final dot.
  // CNAMEs are followed. At `deadline` the answer is Status::temporary.
  virtual net::Task<Answer> lookup(std::string name, Type type, MonoTime deadline) = 0;
};

}  // namespace waypost::dns
