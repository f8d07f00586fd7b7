#include "review/review.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "config/parameter.h"

namespace waypost::review {
namespace {

using config::FindingCode;
using config::make_finding;

// Texts that people write and read: a '#' in them is meant.
constexpr std::array<std::string_view, 5> kFreeTextEndings = {"_banner", "_text", "_footer", "_reply", "_header"};

bool is_free_text(std::string_view name) {
  return name == "mail_name" ||
         std::ranges::any_of(kFreeTextEndings, [&](std::string_view end) { return name.ends_with(end); });
}

// " # text": a '#' between blanks or before a word. "type:{...}" bodies and patterns may hold one.
std::string_view comment_in(std::string_view value) {
  for (std::size_t at = 1; at < value.size(); ++at) {
    if (value[at] == '#' && is_space(value[at - 1]) && value.substr(0, at).find('{') == std::string_view::npos)
      return value.substr(at);
  }
  return value.starts_with('#') ? value : std::string_view();
}

}  // namespace

void review_syntax(const Subject& subject, config::Findings& findings) {
  for (const auto& [name, setting] : subject.configuration.main.settings()) {
    const std::string_view comment = is_free_text(name) ? std::string_view() : comment_in(setting.value);
    if (comment.empty()) continue;
    findings.push_back(make_finding(
        FindingCode::comment_in_value, setting.file, setting.line,
        fmt::format("#comment after other text is not allowed: {} = ... {}", name, printable(comment, 60))));
  }
  for (const config::Service& service : subject.configuration.master.services()) {
    const std::size_t first = service.first_operand();
    if (first >= service.args.size()) continue;
    const std::string argument = printable(service.args[first], 60);
    if (argument.starts_with('#')) {
      findings.push_back(
          make_finding(FindingCode::comment_in_value, service.file, service.line,
                       fmt::format("service {}: \"{}\" after the options is no comment but an argument of {}",
                                   printable(service.name), argument, service.command)));
    } else if (service.command != "pipe" && service.command != "spawn") {
      findings.push_back(make_finding(FindingCode::bad_service_option, service.file, service.line,
                                      fmt::format("service {}: {} takes no argument: \"{}\"", printable(service.name),
                                                  printable(service.command), argument)));
    }
  }
}

void review_relay(const Subject& subject, config::Findings& findings) {
  const RelayProof proof = prove_relay(subject.configuration, subject.router, subject.listeners);
  for (std::size_t i = 0; i < proof.listeners.size(); ++i) {
    const ListenerProof& listener = proof.listeners[i];
    const auto add = [&](FindingCode code, std::string text, const std::optional<Step>& step = {}) {
      const bool has_place = step && !step->file.empty();
      findings.push_back(make_finding(code, has_place ? step->file : listener.file,
                                      has_place ? step->line : listener.line,
                                      fmt::format("service {}: {}", listener.name, text)));
    };
    if (!listener.refusal.empty()) continue;  // it says so itself
    for (const std::string& why : listener.open) add(FindingCode::open_relay, fmt::format("open relay: {}", why));
    if (!listener.open.empty()) continue;
    for (const std::string& why : listener.forgeable) add(FindingCode::forgeable_relay, why);
    const Answer* user = listener.find(ClientClass::authenticated, DestinationClass::foreign);
    if (user != nullptr && user->usual.outcome != Outcome::permit) {
      const auto& step = user->usual.decided_by;
      add(FindingCode::authenticated_cannot_relay,
          fmt::format("clients that authenticated may not send to foreign domains: {}{}", user->usual.reply,
                      step ? fmt::format(" by {} of {}", step->restriction, step->parameter) : ""),
          step);
    }
    const bool anybody = std::ranges::any_of(listener.clients, [](const ClientAnswer& client) {
      return std::ranges::any_of(client.destinations, [](const Answer& answer) {
        return answer.absent.empty() && (answer.usual.outcome == Outcome::permit || !answer.otherwise.empty());
      });
    });
    // Where the password is what is missing, that is the finding.
    if (!anybody && (!subject.listeners[i].auth_enabled || subject.listeners[i].auth_possible))
      add(FindingCode::nobody_admitted, "every client is refused, whatever the recipient");
  }
}

void review(const Subject& subject, config::Findings& findings) {
  for (const auto part : {review_syntax, review_files, review_tables, review_routing, review_credentials, review_tls,
                          review_listeners, review_relay}) {
    part(subject, findings);
  }
}

}  // namespace waypost::review
