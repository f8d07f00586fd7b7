#include "config/reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "config/main_cf.h"
#include "config/parameter.h"
#include "config/values.h"

namespace waypost::config {

namespace {

Result<std::string> first_line_of(const std::string& path) {
  const auto content = read_config_file(path);
  if (!content) return content;
  return std::string(trim(std::string_view(*content).substr(0, content->find('\n'))));
}

}  // namespace

void Reader::reject(std::string_view name, std::string why, FindingCode code) {
  Origin origin = view_.origin(name);
  findings_.push_back(make_finding(code, std::move(origin.file), origin.line, std::move(why)));
}

void Reader::warn(std::string_view name, std::string why, FindingCode code) {
  Origin origin = view_.origin(name);
  findings_.push_back({Severity::warning, std::move(origin.file), origin.line, std::move(why), code});
}

std::string Reader::default_text(std::string_view name) {
  return view_.expanded(view_.raw_default(name).value_or("")).value_or("");
}

std::string Reader::text(std::string_view name) {
  auto value = view_.value(name);
  auto code = FindingCode::bad_value;
  // Debian's way: the name stands in a file that other mail programs read, too
  if (value && name == "myorigin" && value->starts_with('/')) {
    value = first_line_of(*value);
    code = FindingCode::missing_file;
  }
  if (!value) {
    reject(name, fmt::format("parameter {}: {}", name, value.error().text), code);
  } else if (value->empty() && !may_be_empty(name)) {
    reject(name, fmt::format("bad string length 0 < 1: {} =", name));
  } else {
    return std::move(*value);
  }
  return default_text(name);
}

bool Reader::flag(std::string_view name) {
  const std::string value = text(name);
  if (const auto parsed = parse_flag(value)) return *parsed;
  reject(name, fmt::format("bad boolean configuration: {} = {}", name, printable(value)));
  return parse_flag(default_text(name)).value_or(false);
}

std::int64_t Reader::number(std::string_view name, std::int64_t min, std::int64_t max) {
  const std::string value = text(name);
  const auto parsed = parse_integer(value);
  if (parsed && *parsed >= min && *parsed <= max) return *parsed;
  if (!parsed) {
    reject(name, fmt::format("bad numerical configuration: {} = {}", name, printable(value)));
  } else if (*parsed < min) {
    reject(name, fmt::format("invalid {} parameter value {} < {}", name, *parsed, min));
  } else {
    reject(name, fmt::format("invalid {} parameter value {} > {}", name, *parsed, max));
  }
  return std::clamp(parse_integer(default_text(name)).value_or(min), min, max);
}

std::chrono::seconds Reader::duration(std::string_view name, std::chrono::seconds min, std::chrono::seconds max) {
  const std::string value = text(name);
  const std::string fallback = default_text(name);
  const char unit = default_time_unit(fallback);
  const auto parsed = parse_duration(value, unit);
  if (parsed && *parsed >= min && *parsed <= max) return *parsed;
  if (!parsed) {
    reject(name, fmt::format("parameter {}: bad time value or unit: {}", name, printable(value)));
  } else if (*parsed < min) {
    reject(name, fmt::format("invalid {} parameter value {} < {}", name, parsed->count(), min.count()));
  } else {
    reject(name, fmt::format("invalid {} parameter value {} > {}", name, parsed->count(), max.count()));
  }
  return std::clamp(parse_duration(fallback, unit).value_or(min), min, max);
}

std::vector<std::string> Reader::list(std::string_view name) { return split_list(text(name)); }

std::vector<std::string> Reader::words(std::string_view name) { return split_words(text(name)); }

std::string Reader::choice(std::string_view name) {
  const Parameter* parameter = find_any_parameter(name);
  const std::string value = to_lower(trim(text(name)));
  if (!parameter || parameter->choices.empty()) return value;
  std::string_view rest = parameter->choices;
  for (;;) {
    const std::size_t comma = rest.find(',');
    if (rest.substr(0, comma) == value) return value;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  // an empty value switches the choice off wherever Postfix's default is empty
  if (value.empty() && default_text(name).empty()) return value;
  reject(name, fmt::format("bad configuration: {} = {}; need one of: {}", name, printable(value), parameter->choices));
  return default_text(name);
}

}  // namespace waypost::config
