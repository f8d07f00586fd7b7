// Server side of AUTH PLAIN, LOGIN and CRAM-MD5 against one user and password (RFC 4954, 4616, 2195).
#pragma once

#include <string>
#include <string_view>

namespace waypost::bench {

class AuthExchange {
 public:
  explicit AuthExchange(std::string_view login) : login_(login) {}
  // The line to send: "334 ...", "235 ..." or a 5xx.
  std::string begin(std::string_view mechanism, std::string_view initial_response);
  std::string answer(std::string_view line);
  bool running() const { return step_ != Step::idle; }
  bool succeeded() const { return succeeded_; }
  std::string user() const { return login_.substr(0, login_.find(':')); }

 private:
  enum class Step : unsigned char { idle, plain, login_user, login_password, cram };

  std::string finish(bool ok);
  bool plain_ok(std::string_view response) const;
  std::string password() const { return login_.substr(login_.find(':') + 1); }

  std::string login_;
  Step step_ = Step::idle;
  bool succeeded_ = false, user_ok_ = false;
  std::string challenge_;
};

}  // namespace waypost::bench
