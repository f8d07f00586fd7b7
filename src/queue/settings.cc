#include "queue/settings.h"

#include <cmath>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::queue {

namespace {

// Digits with an optional fraction.
std::optional<double> parse_decimal(std::string_view text) {
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  if (text.empty() || text == ".") return std::nullopt;
  const std::string_view fraction = dot == std::string_view::npos ? "0" : text.substr(dot + 1);
  constexpr std::uint64_t kMax = 1'000'000;
  const auto a = parse_number(whole.empty() ? "0" : whole, kMax);
  const auto b = parse_number(fraction, kMax);
  if (!a || !b) return std::nullopt;
  return static_cast<double>(*a) + static_cast<double>(*b) / std::pow(10.0, static_cast<double>(fraction.size()));
}

}  // namespace

double Feedback::at(int window) const {
  switch (kind) {
    case Kind::constant:
      return amount;
    case Kind::per_concurrency:
      return amount / window;
    case Kind::per_square_root:
      return amount / std::sqrt(window);
  }
  return amount;
}

Result<Feedback> parse_feedback(std::string_view text) {
  const auto bad = [&] { return fail(Errc::invalid, fmt::format("bad concurrency feedback \"{}\"", text)); };
  const std::size_t slash = text.find('/');
  const auto numerator = parse_decimal(trim(text.substr(0, slash)));
  if (!numerator) return bad();
  Feedback feedback{.amount = *numerator};
  if (slash != std::string_view::npos) {
    const std::string_view divisor = trim(text.substr(slash + 1));
    if (iequals(divisor, "concurrency")) {
      feedback.kind = Feedback::Kind::per_concurrency;
    } else if (iequals(divisor, "sqrt_concurrency")) {
      feedback.kind = Feedback::Kind::per_square_root;
    } else {
      const auto number = parse_decimal(divisor);
      if (!number || *number <= 0) return bad();
      feedback.amount /= *number;
    }
  }
  if (feedback.amount < 0 || feedback.amount > 1) return bad();
  return feedback;
}

const TransportSettings& Settings::transport(const std::string& name) const {
  const auto found = transports.find(name);
  return found == transports.end() ? defaults : found->second;
}

}  // namespace waypost::queue
