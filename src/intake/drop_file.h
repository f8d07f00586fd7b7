// A message dropped by sendmail(1) for pickup: the way in that works for every user, also while the daemon is down.
//
// The folder is writable for all and readable for none but the owner (mode 1733, as a mail drop has always been): a
// file appears whole, by rename, and its owner is the submitter. Nothing in it is trusted.
//
//   drop    = "waypost-drop 1" LF *( field LF ) LF content
//   field   = name ":" SP value          sender, recipient (repeated), fullname, encoding, notify, return, envid
//   content = the message as the user gave it, LF or CRLF line ends
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mail/envelope.h"

namespace waypost::intake {

struct Drop {
  std::string sender;                   // as given with -f; "" is the null sender
  std::vector<std::string> recipients;  // as given or extracted by -t
  std::string full_name;                // for a From: header that must be made
  mail::BodyEncoding encoding = mail::BodyEncoding::unspecified;
  std::uint8_t notify = mail::Notify::kNoneGiven;
  mail::DsnReturn dsn_return = mail::DsnReturn::unspecified;
  std::string dsn_envid;
  std::string content;
};

inline constexpr std::size_t kMaxDropRecipients = 10'000;
inline constexpr std::size_t kMaxDropFieldLength = 2'000;

// Errc::invalid: a field is too long or carries a line break.
Result<std::string> encode_drop(const Drop& drop);
Result<Drop> parse_drop(std::string_view text);

// A drop on behalf of somebody else, which only root may write.
struct DropOrigin {
  std::string name;  // of the file; one of that name is replaced
  uid_t submitter = 0;
  WallTime submitted;
};

// Writes `drop` into `folder` so that it appears whole and on disk. Errc::io names the folder and the reason.
Result<> write_drop(const std::string& folder, const Drop& drop);
Result<> write_drop(const std::string& folder, const Drop& drop, const DropOrigin& origin);

}  // namespace waypost::intake
