// What a session leaves for the postmaster (notify_classes): the troubles that he wants to hear of, and the dialogue
// around them. Bounded: the beginning and the end are kept. Lives in its session.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/trouble.h"

namespace waypost::smtp_server {

struct NoticeSettings {
  std::uint32_t classes = smtp::Trouble::kNone;  // notify_classes: smtp::Trouble bits
  std::string error_recipient = "postmaster";    // error_notice_recipient
  std::string bounce_recipient = "postmaster";   // bounce_notice_recipient
  std::string origin, mail_name;                 // myorigin; "Postfix"
  std::string double_bounce_sender = "double-bounce";

  // Whole dialogues are kept only for classes that clients cause; of what goes wrong here the line in the log says
  // more.
  bool keeps_dialogue() const {
    using T = smtp::Trouble;
    return (classes & (T::kProtocol | T::kPolicy | T::kBounce | T::kData)) != 0;
  }
};

// A message for the postmaster.
struct Notice {
  std::string sender, recipient, content;  // addresses in internal form
};

class Transcript {
 public:
  static constexpr std::size_t kFirstLines = 50, kLastLines = 150, kMaxLineBytes = 512;

  void heard(std::string_view line) { add("In:  ", line); }
  // Replies as on the wire.
  void said(std::string_view replies);
  // A line of the log about trouble.
  void logged(std::string_view line) { add("Log: ", line); }

  // `troubles`: what happened, of the classes that are wanted. `client`: "name[address]". `reason`: of a session that
  // did not end with QUIT, may be empty.
  Notice notice(const NoticeSettings& settings, std::uint32_t troubles, std::string_view client,
                std::string_view reason) const;

 private:
  void add(std::string_view mark, std::string_view line);

  std::vector<std::string> first_, last_;  // last_ goes round and round
  std::size_t dropped_ = 0, next_ = 0;
};

}  // namespace waypost::smtp_server
