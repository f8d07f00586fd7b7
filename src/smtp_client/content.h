// The content of a message on its way to the server: in one gathered write when it is in memory and nothing needs
// changing, else dot-encoded in chunks; never a blocking read on an io thread.
#pragma once

#include <memory>

#include "delivery/agent.h"
#include "net/blocking.h"
#include "net/task.h"
#include "smtp/data_decoder.h"
#include "smtp_client/connection.h"

namespace waypost::smtp_client {

// Of one write, for which smtp_data_xfer_timeout holds, and of one read from the spool.
inline constexpr std::size_t kContentChunkBytes = 256 * 1024;

// What the server needs done to the content, beside the doubling of dots.
struct ContentTreatment {
  bool to_seven_bit = false;             // mail::SevenBit, for servers without 8BITMIME
  std::size_t mime_nesting_limit = 100;  // for that
  std::size_t line_length_limit = 998;   // longer lines are folded; 0: none are
  smtp::StrayCr stray_cr = smtp::StrayCr::to_space;
};

// Sends content and end of data; the session's next action, `read` when all is well. A server that hangs up or answers
// before the end has its reply read.
net::Task<Connection::Action> send_content(Connection& connection, std::shared_ptr<delivery::BodySource> body,
                                           net::BlockingPool& pool, ContentTreatment treatment);

// True when the content has bytes above 127.
bool has_eight_bit(std::string_view content);

}  // namespace waypost::smtp_client
