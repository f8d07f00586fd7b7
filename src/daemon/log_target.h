// Where the mail log goes: $maillog_file; without it standard output in the foreground, else /var/log/mail.log when
// that can be written, else syslog.
#pragma once

#include <memory>

#include "base/result.h"
#include "config/load.h"
#include "events/log_writer.h"

namespace waypost::daemon {

// Opens it. As root a file that did not exist is given to $mail_owner, so that the daemon can open it again after a
// rotation. Errc::refused: $maillog_file is not below $maillog_file_prefixes.
Result<std::unique_ptr<events::LogWriter>> open_mail_log(const config::Configuration& configuration, bool foreground);
events::LogWriter::Options log_target(const config::Configuration& configuration, bool foreground);
// $syslog_name, "postfix" in its absence: the first part of every tag.
std::string log_name(const config::View& view);

}  // namespace waypost::daemon
