// Scripted misbehaviour: STAGE[/PATTERN][%RATE][#TIMES]=ACTION, first match wins. Without a match the sink is kind.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::bench {

enum class Stage : unsigned char { connect, ehlo, helo, starttls, auth, mail, rcpt, data, eod, rset, quit };

enum class Misdeed : unsigned char {
  reply,    // another reply than the usual one; 421 closes
  close,    // hang up without a word
  silence,  // never answer
  endless,  // reply lines without end
  flood,    // one reply line without end
  delay,    // answer late: the given reply, or the usual one when there is none
};

struct Action {
  Misdeed misdeed = Misdeed::reply;
  std::string reply;
  std::int64_t delay_ms = 0;
};

class RuleBook {
 public:
  // False when the text is not a rule.
  bool add(std::string_view text);
  void clear() { rules_.clear(); }
  // `subject`: the address at mail and rcpt, the recipients at eod, else empty. Counts down #TIMES.
  std::optional<Action> match(Stage stage, const std::vector<std::string>& subjects);
  std::optional<Action> match(Stage stage) { return rules_.empty() ? std::nullopt : match(stage, {}); }

 private:
  struct Rule {
    Stage stage = Stage::connect;
    std::string pattern;
    double rate = 1;
    std::int64_t times = -1;
    Action action;
  };
  bool applies(const Rule& rule, Stage stage, const std::vector<std::string>& subjects);

  std::vector<Rule> rules_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace waypost::bench
