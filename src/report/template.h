// bounce_template_file: the operator's own words for notices, in the format of Postfix's bounce(5):
//
//   failure_template = <<EOF
//   Charset: us-ascii
//   From: MAILER-DAEMON (Mail Delivery System)
//   Subject: Undelivered Mail Returned to Sender
//   Postmaster-Subject: Postmaster Copy: Undelivered Mail
//
//   text, in which $name stands for a parameter
//   EOF
//
// Lines that are empty or begin with `#` between the templates are passed over. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace waypost::report {

inline constexpr std::size_t kMaxTemplateFile = 256 * 1'024;  // bytes

struct Template {
  std::string charset = "us-ascii";  // of the text
  std::string from;                  // empty fields: as without a template
  std::string subject;
  std::string postmaster_subject;
  std::string text;  // lines end in LF; parameters are not expanded yet

  bool operator==(const Template&) const = default;
};

struct Templates {
  std::optional<Template> failure, delay, success;
};

// Errc::invalid with the line: an unknown name or header, a text without its end, bytes above 127 in a header or in a
// us-ascii text. `verify_template` is checked and not kept: no such notices are sent.
Result<Templates> parse_templates(std::string_view file);

}  // namespace waypost::report
