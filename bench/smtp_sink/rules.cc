#include "smtp_sink/rules.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "common/text.h"

namespace waypost::bench {

namespace {

constexpr std::array<std::pair<std::string_view, Stage>, 11> kStages{{{"connect", Stage::connect},
                                                                      {"ehlo", Stage::ehlo},
                                                                      {"helo", Stage::helo},
                                                                      {"starttls", Stage::starttls},
                                                                      {"auth", Stage::auth},
                                                                      {"mail", Stage::mail},
                                                                      {"rcpt", Stage::rcpt},
                                                                      {"data", Stage::data},
                                                                      {"eod", Stage::eod},
                                                                      {"rset", Stage::rset},
                                                                      {"quit", Stage::quit}}};

// Cuts "<mark>value" off the end of `text`; empty when the mark is not there.
std::string cut_suffix(std::string_view& text, char mark) {
  const std::size_t at = text.rfind(mark);
  if (at == std::string_view::npos) return {};
  std::string value(text.substr(at + 1));
  text = text.substr(0, at);
  return value;
}

// "\n" as two characters separates the lines of a long reply.
std::string reply_text(std::string_view text) {
  std::string out;
  for (std::size_t at = text.find("\\n"); at != std::string_view::npos; at = text.find("\\n")) {
    out.append(text.substr(0, at)).append("\r\n");
    text.remove_prefix(at + 2);
  }
  return out.append(text).append("\r\n");
}

bool is_reply(std::string_view text) {
  return text.size() >= 3 && std::all_of(text.begin(), text.begin() + 3, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Action> parse_action(std::string_view text) {
  Action action;
  if (is_reply(text)) {
    action.reply = reply_text(text);
    return action;
  }
  if (text.starts_with("delay ")) {
    action.misdeed = Misdeed::delay;
    text.remove_prefix(6);
    char* end = nullptr;
    const std::string number(text);
    action.delay_ms = std::strtoll(number.c_str(), &end, 10);
    const std::string_view rest = std::string_view(number).substr(static_cast<std::size_t>(end - number.c_str()));
    if (rest.size() > 1) action.reply = reply_text(rest.substr(1));
    return action;
  }
  constexpr std::array<std::pair<std::string_view, Misdeed>, 4> kWords{{{"close", Misdeed::close},
                                                                        {"silence", Misdeed::silence},
                                                                        {"endless", Misdeed::endless},
                                                                        {"flood", Misdeed::flood}}};
  for (const auto& [word, misdeed] : kWords) {
    if (text != word) continue;
    action.misdeed = misdeed;
    return action;
  }
  return std::nullopt;
}

}  // namespace

bool RuleBook::add(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  Rule rule;
  const std::optional<Action> action = parse_action(text.substr(equals + 1));
  if (!action) return false;
  rule.action = *action;
  std::string_view condition = text.substr(0, equals);
  if (const std::string times = cut_suffix(condition, '#'); !times.empty()) rule.times = std::atoll(times.c_str());
  if (const std::string rate = cut_suffix(condition, '%'); !rate.empty()) rule.rate = std::atof(rate.c_str());
  if (const std::size_t slash = condition.find('/'); slash != std::string_view::npos) {
    rule.pattern = condition.substr(slash + 1);
    condition = condition.substr(0, slash);
  }
  for (const auto& [name, stage] : kStages) {
    if (name != condition) continue;
    rule.stage = stage;
    rules_.push_back(std::move(rule));
    return true;
  }
  return false;
}

std::optional<Action> RuleBook::match(Stage stage, const std::vector<std::string>& subjects) {
  for (Rule& rule : rules_) {
    if (!applies(rule, stage, subjects)) continue;
    if (rule.times > 0) --rule.times;
    return rule.action;
  }
  return std::nullopt;
}

bool RuleBook::applies(const Rule& rule, Stage stage, const std::vector<std::string>& subjects) {
  if (rule.stage != stage || rule.times == 0) return false;
  if (!rule.pattern.empty() && std::none_of(subjects.begin(), subjects.end(), [&](const std::string& subject) {
        return matches_pattern(rule.pattern, subject);
      })) {
    return false;
  }
  return rule.rate >= 1 || std::uniform_real_distribution<double>(0, 1)(random_) < rule.rate;
}

}  // namespace waypost::bench
