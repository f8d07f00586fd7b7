#include "mail/date.h"

#include <array>
#include <ctime>

#include <fmt/format.h>

namespace waypost::mail {

namespace {

// Names by hand: strftime's follow the locale.
constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string format_date(std::time_t second) {
  std::tm local{};
  localtime_r(&second, &local);
  const long offset_minutes = local.tm_gmtoff / 60;
  const long absolute = offset_minutes < 0 ? -offset_minutes : offset_minutes;
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} {}{:02}{:02} ({})",
                     kDays.at(static_cast<std::size_t>(local.tm_wday)), local.tm_mday,
                     kMonths.at(static_cast<std::size_t>(local.tm_mon)), local.tm_year + 1900, local.tm_hour,
                     local.tm_min, local.tm_sec, offset_minutes < 0 ? '-' : '+', absolute / 60, absolute % 60,
                     local.tm_zone != nullptr ? local.tm_zone : "");
}

}  // namespace

std::string_view rfc5322_date(WallTime when) {
  thread_local std::time_t cached_second = -1;
  thread_local std::string cached_text;
  const std::time_t second = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  if (second != cached_second || cached_text.empty()) {
    cached_text = format_date(second);
    cached_second = second;
  }
  return cached_text;
}

}  // namespace waypost::mail
