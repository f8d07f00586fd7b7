#include "smtp_sink/auth.h"

#include "common/clock.h"
#include "common/text.h"

namespace waypost::bench {

std::string AuthExchange::begin(std::string_view mechanism, std::string_view initial_response) {
  if (starts_with_nocase(mechanism, "PLAIN")) {
    step_ = Step::plain;
    return initial_response.empty() ? "334 " : answer(initial_response);
  }
  if (starts_with_nocase(mechanism, "LOGIN")) {
    step_ = Step::login_user;
    return initial_response.empty() ? "334 " + base64_encode("Username:") : answer(initial_response);
  }
  if (starts_with_nocase(mechanism, "CRAM-MD5")) {
    step_ = Step::cram;
    challenge_ = "<" + std::to_string(now_ns()) + "@sink.example>";
    return "334 " + base64_encode(challenge_);
  }
  return "504 5.5.4 no such mechanism";
}

std::string AuthExchange::answer(std::string_view line) {
  if (line == "*") {
    step_ = Step::idle;
    return "501 5.7.0 aborted";
  }
  const std::string response = base64_decode(line);
  switch (step_) {
    case Step::plain:
      return finish(plain_ok(response));
    case Step::login_user:
      user_ok_ = response == user();
      step_ = Step::login_password;
      return "334 " + base64_encode("Password:");
    case Step::login_password:
      return finish(user_ok_ && response == password());
    case Step::cram:
      return finish(response == user() + ' ' + hmac_md5_hex(password(), challenge_));
    case Step::idle:
      break;
  }
  return finish(false);
}

// RFC 4616: [authorization identity] NUL user NUL password
bool AuthExchange::plain_ok(std::string_view response) const {
  const std::size_t nul = response.find('\0');
  if (nul == std::string_view::npos) return false;
  return response.substr(nul + 1) == user() + '\0' + password();
}

std::string AuthExchange::finish(bool ok) {
  step_ = Step::idle;
  succeeded_ = ok;
  return ok ? "235 2.7.0 Authentication successful" : "535 5.7.8 Error: authentication failed: bad credentials";
}

}  // namespace waypost::bench
