#include "smtp_server/transcript.h"

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::smtp_server {

void Transcript::said(std::string_view replies) {
  for (const auto line : split(replies, "\r\n")) add("Out: ", line);
}

void Transcript::add(std::string_view mark, std::string_view line) {
  auto text = fmt::format("{}{}", mark, printable(line, kMaxLineBytes));
  if (first_.size() < kFirstLines) {
    first_.push_back(std::move(text));
  } else if (last_.size() < kLastLines) {
    last_.push_back(std::move(text));
  } else {
    last_[next_++ % kLastLines] = std::move(text);
    ++dropped_;
  }
}

Notice Transcript::notice(const NoticeSettings& settings, std::uint32_t troubles, std::string_view client,
                          std::string_view reason) const {
  const bool is_bounce = (troubles & smtp::Trouble::kBounce) != 0;
  Notice out;
  out.sender = fmt::format("{}@{}", settings.double_bounce_sender, settings.origin);
  out.recipient = is_bounce ? settings.bounce_recipient : settings.error_recipient;
  // Every line that others had a part in begins with a blank: none can pass for ours.
  out.content = fmt::format(
      "From: Mail Delivery System <MAILER-DAEMON@{}>\r\nTo: Postmaster <{}>\r\nSubject: {} SMTP server: errors from "
      "{}\r\n\r\nTranscript of session follows.\r\n\r\n",
      settings.origin, out.recipient, settings.mail_name, client);
  for (const auto& line : first_) fmt::format_to(std::back_inserter(out.content), " {}\r\n", line);
  if (dropped_ > 0) fmt::format_to(std::back_inserter(out.content), " ... {} lines left out ...\r\n", dropped_);
  for (std::size_t i = 0; i < last_.size(); ++i) {
    fmt::format_to(std::back_inserter(out.content), " {}\r\n", last_[(next_ + i) % last_.size()]);
  }
  if (!reason.empty()) fmt::format_to(std::back_inserter(out.content), "\r\nSession aborted, reason: {}\r\n", reason);
  out.content += "\r\nFor other details, see the local mail logfile\r\n";
  return out;
}

}  // namespace waypost::smtp_server
