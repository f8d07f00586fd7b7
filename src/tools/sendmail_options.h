// The command line of sendmail(1) as Postfix reads it: a mode, what to submit, and options that are accepted and
// ignored.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "intake/drop_file.h"

namespace waypost::tools {

enum class SendmailMode : unsigned char { submit, mailq, newaliases, flush, daemon, smtp_stdin, probe };

struct SendmailOptions {
  SendmailMode mode = SendmailMode::submit;
  std::string config_directory;          // -C; empty: the usual one
  std::string flush_queue_id;            // -qI
  std::string flush_site;                // -qR
  std::string alias_database;            // -oA
  bool recipients_from_headers = false;  // -t
  bool dot_ends_input = true;            // off with -i, -oi
  bool sender_given = false;
  intake::Drop drop;                  // sender, recipients, full name, DSN wishes; the content comes later
  std::vector<std::string> warnings;  // malformed values that are passed over, as Postfix does
};

// Errc::invalid: an option that has no meaning here; the text is Postfix's.
Result<SendmailOptions> parse_sendmail_options(const std::vector<std::string>& arguments);

}  // namespace waypost::tools
