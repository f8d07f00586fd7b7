// master.cf: one service a logical line, in eight columns. A listener, a transport, or an internal service of Postfix
// that Waypost does itself.
//
// A line that does not parse is an error finding and left out. One leniency: a line that starts with `-o` in column
// one continues the service before it, with a warning (Postfix refuses such a file).
// Immutable once parsed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/finding.h"

namespace waypost::config {

// -o name=value of one service, unexpanded.
struct Override {
  std::string name;
  std::string value;
};

// The columns as written; "-" is the default.
struct ServiceColumns {
  std::string is_private, unprivileged, chroot, wakeup, process_limit;
};

// Whether the argument after this option belongs to it.
bool takes_value(std::string_view option);

struct Service {
  std::string name;     // "smtp", "127.0.0.1:2525", ...
  std::string type;     // inet unix unix-dgram fifo pass
  std::string command;  // "smtpd"
  // After the command, as its program gets them: {} groups opened, each option on its own ("-v", "-o", "name=value"),
  // then the rest.
  std::vector<std::string> args;
  std::vector<Override> overrides;  // in order; the last of a name counts
  int verbose = 0;                  // how often -v
  ServiceColumns columns;
  std::string file;
  int line = 0;

  bool is_private() const { return columns.is_private != "n"; }
  bool unprivileged() const { return columns.unprivileged != "n"; }
  // nullopt: as the compatibility level says.
  std::optional<bool> chroot() const;
  // Zero: never woken up.
  std::chrono::seconds wakeup() const;
  bool wakeup_only_if_used() const { return columns.wakeup.ends_with('?'); }
  // nullopt: $default_process_limit; 0: unlimited.
  std::optional<int> process_limit() const;
  // The last one of that name, or null.
  const Override* find_override(std::string_view name) const;
  // The arguments after the options: "flags=DRhu", "user=vmail", "argv=..." of pipe.
  std::size_t first_operand() const;
  // Whether it delivers mail and so has NAME_destination_concurrency_limit and its kin.
  bool is_delivery_agent() const;
};

class MasterCf {
 public:
  explicit MasterCf(std::vector<Service> services = {}) : services_(std::move(services)) {}

  // In the order of the file, duplicates included.
  const std::vector<Service>& services() const { return services_; }
  // The last one of that name and type, or null.
  const Service* find(std::string_view name, std::string_view type) const;
  // One of the mail system's own services (cleanup, qmgr ...): the last one of that name that is no listener, or null.
  const Service* find_internal(std::string_view name) const;
  // Whether a later entry replaces this one.
  bool is_replaced(const Service& service) const { return find(service.name, service.type) != &service; }

 private:
  std::vector<Service> services_;
};

MasterCf parse_master_cf(std::string_view text, const std::string& file, Findings& findings);

}  // namespace waypost::config
