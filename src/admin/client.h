// The tools' way to a running daemon: one request over its control socket.
#pragma once

#include <string>
#include <string_view>

#include "admin/http.h"
#include "base/result.h"

namespace waypost::admin {

inline constexpr std::size_t kMaxAnswer = std::size_t{1} << 30;  // the listing of a million messages

// Blocks. Errc::refused: no daemon listens there (context: the system's reason); Errc::timeout; Errc::invalid: not our
// answer.
Result<Response> call(const std::string& socket_path, std::string_view method, std::string_view target,
                      std::string_view body = {}, int timeout_s = 60);

}  // namespace waypost::admin
