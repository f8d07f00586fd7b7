#include "smtp_server/dovecot_protocol.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::smtp_server::dovecot {
namespace {

// The text up to the next tab, which is dropped.
std::string_view take_field(std::string_view& rest) {
  const auto tab = rest.find('\t');
  const auto field = rest.substr(0, tab);
  rest = tab == std::string_view::npos ? std::string_view{} : rest.substr(tab + 1);
  return field;
}

bool is_field(std::string_view text) {
  return text.find_first_of(std::string_view("\t\n\r\0\x01", 5)) == std::string_view::npos;
}

bool is_base64(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '+' || c == '/' || c == '='; });
}

bool is_mechanism_name(std::string_view name) {
  const auto allowed = [](char c) { return is_alnum(c) || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= 20 && std::ranges::all_of(name, allowed);  // RFC 4422 §3.1
}

}  // namespace

Handshake::State Handshake::fail(std::string reason) {
  failure_ = std::move(reason);
  return State::failed;
}

Handshake::State Handshake::feed(std::string_view line) {
  if (++lines_ > kMaxHandshakeLines) return fail("the handshake has no end");
  std::string_view rest = line;
  const auto command = take_field(rest);
  if (command == "VERSION") {
    const auto major = parse_number(take_field(rest));
    return major == kMajorVersion ? State::more : fail("protocol version mismatch");
  }
  if (command == "MECH") {
    add(rest);
    return State::more;
  }
  if (command == "SPID" && mechanisms_.empty()) {
    return fail("connected to wrong auth socket (auth-master instead of auth-client)");
  }
  return command == "DONE" ? State::done : State::more;
}

void Handshake::add(std::string_view fields) {
  Mechanism mechanism;
  mechanism.name = to_upper(take_field(fields));
  bool hidden = !is_mechanism_name(mechanism.name) || mechanisms_.size() >= kMaxMechanisms;
  while (!fields.empty()) {
    const auto property = take_field(fields);
    hidden = hidden || iequals(property, "private");
    if (iequals(property, "plaintext")) mechanism.plaintext = true;
    if (iequals(property, "anonymous")) mechanism.anonymous = true;
    if (iequals(property, "dictionary")) mechanism.dictionary = true;
    if (iequals(property, "active")) mechanism.active = true;
    if (iequals(property, "forward-secrecy")) mechanism.forward_secrecy = true;
    if (iequals(property, "mutual-auth")) mechanism.mutual_auth = true;
  }
  if (!hidden) mechanisms_.push_back(std::move(mechanism));
}

std::string client_handshake(std::uint32_t process_id) {
  return fmt::format("VERSION\t{}\t{}\nCPID\t{}\n", kMajorVersion, kMinorVersion, process_id);
}

std::optional<std::string> auth_request(const Request& request) {
  const bool fields_ok = is_mechanism_name(request.mechanism) && is_field(request.service) &&
                         is_field(request.local_address) && is_field(request.remote_address);
  if (!fields_ok) return std::nullopt;
  std::string line = fmt::format("AUTH\t{}\t{}\tservice={}\tnologin\tlip={}\trip={}", request.id, request.mechanism,
                                 request.service, request.local_address, request.remote_address);
  if (request.secured) line += "\tsecured";
  if (request.initial_response != nullptr) {
    if (!is_base64(*request.initial_response)) return std::nullopt;
    line += "\tresp=" + *request.initial_response;
  }
  line += '\n';
  return line.size() <= kMaxLineBytes ? std::optional(std::move(line)) : std::nullopt;
}

std::optional<std::string> continue_request(std::uint32_t id, std::string_view response) {
  if (!is_base64(response)) return std::nullopt;
  std::string line = fmt::format("CONT\t{}\t{}\n", id, response);
  return line.size() <= kMaxLineBytes ? std::optional(std::move(line)) : std::nullopt;
}

Answer parse_answer(std::string_view line, std::uint32_t id) {
  Answer answer;
  const auto command = take_field(line);
  const bool known = command == "OK" || command == "CONT" || command == "FAIL";
  if (!known || parse_number(take_field(line), UINT32_MAX) != id) return answer;
  if (command == "CONT") {
    answer.kind = Answer::Kind::more;
    answer.text = take_field(line);
    if (is_base64(answer.text)) return answer;
    return {Answer::Kind::failed, "Authentication backend error", {}, true};
  }
  answer.kind = command == "OK" ? Answer::Kind::ok : Answer::Kind::failed;
  while (!line.empty()) {
    const auto field = take_field(line);
    if (field.starts_with("user=")) answer.username = field.substr(5);
    if (field.starts_with("reason=")) answer.text = field.substr(7);
    if (field == "temp" || field == "code=temp_fail") answer.temporary = true;
  }
  if (answer.kind == Answer::Kind::ok && answer.username.empty()) {
    return {Answer::Kind::failed, "Authentication backend error", {}, true};
  }
  return answer;
}

std::string allowed_mechanisms(const std::vector<Mechanism>& mechanisms, std::string_view options) {
  const auto words = split(options, ", \t\r\n");
  const auto wants = [&words](std::string_view option) {
    return std::ranges::any_of(words, [option](std::string_view word) { return iequals(word, option); });
  };
  std::string out;
  for (const Mechanism& m : mechanisms) {
    const bool refused = (m.plaintext && wants("noplaintext")) || (m.anonymous && wants("noanonymous")) ||
                         (m.dictionary && wants("nodictionary")) || (m.active && wants("noactive")) ||
                         (!m.forward_secrecy && wants("forward_secrecy")) || (!m.mutual_auth && wants("mutual_auth"));
    if (refused) continue;
    if (!out.empty()) out += ' ';
    out += m.name;
  }
  return out;
}

}  // namespace waypost::smtp_server::dovecot
