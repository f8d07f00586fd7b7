// The proof in words, and as JSON.
#include <algorithm>

#include <fmt/format.h>

#include "config/finding.h"
#include "review/relay_proof.h"

namespace waypost::review {
namespace {

using config::json_escaped;

std::string_view words_for(DestinationClass destination) {
  switch (destination) {
    case DestinationClass::foreign:
      return "to foreign domains";
    case DestinationClass::relay_domains:
      return "to relay_domains";
    case DestinationClass::own_domains:
      return "to own domains";
  }
  return "";
}

// "reject_unauth_destination (smtpd_relay_restrictions, /etc/postfix/main.cf, line 12)"
std::string words_for(const Step& step) {
  if (step.file.empty()) return fmt::format("{} ({}, by default)", step.restriction, step.parameter);
  return fmt::format("{} ({}, {}, line {})", step.restriction, step.parameter, step.file, step.line);
}

std::string words_for(const Ruling& ruling) {
  std::string out(to_text(ruling.outcome));
  if (!ruling.reply.empty()) out += fmt::format(" \"{}\"", ruling.reply);
  out += " by ";
  out += ruling.decided_by ? words_for(*ruling.decided_by) : "default: no restriction refuses it";
  return out;
}

std::string words_for(const Condition& condition) {
  return fmt::format("{} {}{}{}", words_for(condition.step), condition.permits ? "permits" : "refuses",
                     condition.forgeable ? ", which a client can forge" : "",
                     condition.built ? "" : ", which this version does not evaluate");
}

std::string words_for(const Answer& answer) {
  constexpr int kColumn = 20;
  if (!answer.absent.empty())
    return fmt::format("    {:<{}} none: {}\n", words_for(answer.destination), kColumn, answer.absent);
  std::string out = fmt::format("    {:<{}} {}\n", words_for(answer.destination), kColumn, words_for(answer.usual));
  for (const Ruling& ruling : answer.otherwise) {
    std::string conditions;
    for (const Condition& condition : ruling.conditions)
      conditions += (conditions.empty() ? "" : " and ") + words_for(condition);
    out += fmt::format("    {:<{}} but {} if {}\n", "", kColumn, to_text(ruling.outcome), conditions);
  }
  if (!answer.complete)
    out += fmt::format("    {:<{}} undecided: too many combinations, {} were tried\n", "", kColumn, kMaxPaths);
  return out;
}

std::string words_for(const ListenerProof& listener) {
  std::string out = fmt::format("service {} ({}, line {}) at {}\n", listener.name, listener.file, listener.line,
                                fmt::join(listener.endpoints, ", "));
  if (!listener.refusal.empty()) out += fmt::format("  does not serve: {}\n", listener.refusal);
  for (const ClientAnswer& client : listener.clients) {
    if (!client.absent.empty()) {
      out += fmt::format("  {}: nobody, {}\n", client.who, client.absent);
      continue;
    }
    out += fmt::format("  {}\n", client.who);
    for (const Answer& answer : client.destinations) out += words_for(answer);
  }
  for (const std::string& why : listener.forgeable) out += fmt::format("  WARNING: {}\n", why);
  for (const std::string& why : listener.open) out += fmt::format("  OPEN RELAY: {}\n", why);
  return out;
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", json_escaped(text)); }

template <class Range, class Write>
std::string json_array(const Range& range, Write write) {
  std::string out = "[";
  for (const auto& item : range) {
    if (out.size() > 1) out += ", ";
    out += write(item);
  }
  return out + "]";
}

std::string json_of(const Step& step) {
  return fmt::format(R"("restriction": {}, "parameter": {}, "file": {}, "line": {})", quoted(step.restriction),
                     quoted(step.parameter), step.file.empty() ? "null" : quoted(step.file),
                     step.line == 0 ? "null" : fmt::format("{}", step.line));
}

std::string json_of(const Condition& condition) {
  return fmt::format(R"({{{}, "verdict": "{}", "forgeable": {}, "evaluated": {}}})", json_of(condition.step),
                     condition.permits ? "permit" : "refuse", condition.forgeable, condition.built);
}

// Without the braces.
std::string json_of(const Ruling& ruling) {
  return fmt::format(R"("outcome": "{}", "reply": {}, "decided_by": {}, "conditions": {})", to_text(ruling.outcome),
                     ruling.reply.empty() ? "null" : quoted(ruling.reply),
                     ruling.decided_by ? fmt::format("{{{}}}", json_of(*ruling.decided_by)) : "null",
                     json_array(ruling.conditions, [](const Condition& c) { return json_of(c); }));
}

std::string json_of(const Answer& answer) {
  if (!answer.absent.empty()) {
    return fmt::format(R"({{"class": "{}", "absent": {}}})", to_text(answer.destination), quoted(answer.absent));
  }
  return fmt::format(R"({{"class": "{}", "recipient": {}, {}, "otherwise": {}, "complete": {}}})",
                     to_text(answer.destination), quoted(answer.example), json_of(answer.usual),
                     json_array(answer.otherwise, [](const Ruling& r) { return "{" + json_of(r) + "}"; }),
                     answer.complete);
}

std::string json_of(const ClientAnswer& client) {
  return fmt::format(R"({{"class": "{}", "who": {}, "absent": {}, "destinations": {}}})", to_text(client.client),
                     quoted(client.who), client.absent.empty() ? "null" : quoted(client.absent),
                     json_array(client.destinations, [](const Answer& a) { return json_of(a); }));
}

std::string json_of(const ListenerProof& listener) {
  return fmt::format(
      R"({{"service": {}, "file": {}, "line": {}, "endpoints": {}, "refusal": {}, "open": {}, "forgeable": {}, "clients": {}}})",
      quoted(listener.name), quoted(listener.file), listener.line, json_array(listener.endpoints, quoted),
      listener.refusal.empty() ? "null" : quoted(listener.refusal), json_array(listener.open, quoted),
      json_array(listener.forgeable, quoted),
      json_array(listener.clients, [](const ClientAnswer& c) { return json_of(c); }));
}

// Whether a table, a list or a server might open the relay to a stranger after all.
bool is_conditional(const RelayProof& proof) {
  const auto depends = [](const Answer& answer) {
    return answer.destination == DestinationClass::foreign && (!answer.complete || !answer.otherwise.empty());
  };
  return std::ranges::any_of(proof.listeners, [&](const ListenerProof& listener) {
    return std::ranges::any_of(listener.clients, [&](const ClientAnswer& client) {
      return client.client == ClientClass::everybody_else && std::ranges::any_of(client.destinations, depends);
    });
  });
}

}  // namespace

std::string to_text(const RelayProof& proof) {
  std::string out;
  for (const ListenerProof& listener : proof.listeners) out += words_for(listener) + "\n";
  if (proof.listeners.empty()) return "No smtpd service listens: nobody may relay.\n";
  if (proof.is_open()) return out + "OPEN RELAY: anybody may send mail to anywhere. See above.\n";
  if (proof.is_forgeable()) return out + "WARNING: a stranger may relay by claiming to be somebody. See above.\n";
  return out + (is_conditional(proof) ? "Closed to strangers, except under the conditions above.\n"
                                      : "Closed: a stranger may not send to foreign domains.\n");
}

std::string to_json(const RelayProof& proof) {
  return fmt::format(R"({{"open": {}, "forgeable": {}, "services": {}}})", proof.is_open(), proof.is_forgeable(),
                     json_array(proof.listeners, [](const ListenerProof& l) { return json_of(l); }));
}

}  // namespace waypost::review
