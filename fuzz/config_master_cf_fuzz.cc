// master.cf from hostile hands: what parses has all columns, and its own text parses to the same services.
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "config/check.h"
#include "config/load.h"

namespace {

// One line that says the same; words hold no blanks outside of groups, so one blank between them is enough.
std::string line_of(const waypost::config::Service& service) {
  const auto& c = service.columns;
  std::string line = service.name + ' ' + service.type + ' ' + c.is_private + ' ' + c.unprivileged + ' ' + c.chroot +
                     ' ' + c.wakeup + ' ' + c.process_limit + ' ' + service.command;
  for (const auto& argument : service.args) line += ' ' + argument;
  return line + '\n';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace waypost;
  const std::string text(reinterpret_cast<const char*>(data), size);
  config::Findings findings;
  config::Configuration configuration;
  configuration.directory = "/etc/postfix";
  configuration.master = config::parse_master_cf(text, "master.cf", findings);
  for (const config::Service& service : configuration.master.services()) {
    WAYPOST_ASSERT(service.line > 0 && service.first_operand() <= service.args.size());
    WAYPOST_ASSERT(service.wakeup().count() >= 0);
    service.process_limit();
    config::Findings again;
    if (const auto same = config::parse_master_cf(line_of(service), "again", again); !config::has_errors(again)) {
      WAYPOST_ASSERT(same.services().size() == 1 && same.services()[0].command == service.command);
    }
    configuration.view(&service).value("syslog_name");
  }
  config::check(configuration);
  return 0;
}
