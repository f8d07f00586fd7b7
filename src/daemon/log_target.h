// Where the mail log goes: $maillog_file; without it standard output in the foreground, else /var/log/mail.log when
// that can be written, else syslog.
#pragma once

#include "config/load.h"
#include "events/log_writer.h"

namespace waypost::daemon {

events::LogWriter::Options log_target(const config::Configuration& configuration, bool foreground);
// $syslog_name, "postfix" in its absence: the first part of every tag.
std::string log_name(const config::View& view);

}  // namespace waypost::daemon
