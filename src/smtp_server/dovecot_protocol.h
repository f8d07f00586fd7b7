// The lines of Dovecot's authentication protocol (its doc/auth-protocol.txt, version 1.1) as a client sees them: fields
// separated by tabs, lines ended by LF. Pure; nothing that a client of ours sent can break out of its field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::smtp_server::dovecot {

inline constexpr std::size_t kMaxLineBytes = 8192;  // AUTH_CLIENT_MAX_LINE_LENGTH there
inline constexpr std::size_t kMaxMechanisms = 64;
inline constexpr std::size_t kMaxHandshakeLines = 256;
inline constexpr unsigned kMajorVersion = 1, kMinorVersion = 1;

struct Mechanism {
  std::string name;
  bool plaintext = false, anonymous = false, dictionary = false, active = false, forward_secrecy = false,
       mutual_auth = false;
};

// What the server says when we connect, line by line, until DONE.
class Handshake {
 public:
  enum class State : std::uint8_t { more, done, failed };
  State feed(std::string_view line);
  const std::vector<Mechanism>& mechanisms() const { return mechanisms_; }
  const std::string& failure() const { return failure_; }

 private:
  State fail(std::string reason);
  void add(std::string_view fields);

  std::vector<Mechanism> mechanisms_;
  std::string failure_;
  std::size_t lines_ = 0;
};

std::string client_handshake(std::uint32_t process_id);

struct Request {
  std::uint32_t id = 1;
  std::string mechanism;
  std::string service = "smtp";
  std::string local_address, remote_address;
  bool secured = false;
  const std::string* initial_response = nullptr;  // base64
};
// The AUTH line. nullopt: a field holds what must not stand in a line, or the whole is too long.
std::optional<std::string> auth_request(const Request& request);
// The CONT line; the same.
std::optional<std::string> continue_request(std::uint32_t id, std::string_view response);

struct Answer {
  enum class Kind : std::uint8_t { other, ok, more, failed };
  Kind kind = Kind::other;  // other: not for this request, or unknown: read on
  std::string text;         // of more: the challenge in base64; of failed: reason=
  std::string username;     // user=
  bool temporary = false;   // of failed: "temp", or code=temp_fail
};
// `id`: the request that is waited for. A line for it that breaks the protocol is a temporary failure.
Answer parse_answer(std::string_view line, std::uint32_t id);

// Names of those that smtpd_sasl_security_options allows, separated by blanks. Options: noplaintext, noactive,
// nodictionary, noanonymous, forward_secrecy, mutual_auth.
std::string allowed_mechanisms(const std::vector<Mechanism>& mechanisms, std::string_view options);

}  // namespace waypost::smtp_server::dovecot
