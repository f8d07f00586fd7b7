#include "config/master_cf.h"

#include <algorithm>
#include <array>
#include <ranges>

#include <fmt/format.h>

#include "base/result.h"
#include "base/text.h"
#include "config/logical_line.h"
#include "config/main_cf.h"
#include "config/values.h"

namespace waypost::config {

bool takes_value(std::string_view option) { return option == "-o"; }

std::optional<bool> Service::chroot() const {
  return columns.chroot == "-" ? std::nullopt : std::optional(columns.chroot == "y");
}

std::chrono::seconds Service::wakeup() const {
  std::string_view text = columns.wakeup;
  if (text.ends_with('?')) text.remove_suffix(1);
  return std::chrono::seconds(parse_number(text, INT32_MAX).value_or(0));
}

std::optional<int> Service::process_limit() const {
  const auto number = parse_number(columns.process_limit, INT32_MAX);
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

const Override* Service::find_override(std::string_view wanted) const {
  for (const Override& candidate : std::views::reverse(overrides)) {
    if (candidate.name == wanted) return &candidate;
  }
  return nullptr;
}

std::size_t Service::first_operand() const {
  std::size_t at = 0;
  while (at < args.size() && args[at].starts_with('-') && args[at] != "-" && args[at] != "--") {
    at += takes_value(args[at]) ? 2 : 1;
  }
  return std::min(at, args.size());
}

bool Service::is_delivery_agent() const {
  constexpr std::array<std::string_view, 7> kAgents = {"smtp", "lmtp", "error", "local", "pipe", "virtual", "discard"};
  return type == "unix" && std::ranges::find(kAgents, command) != kAgents.end();
}

const Service* MasterCf::find(std::string_view name, std::string_view type) const {
  for (const Service& service : std::views::reverse(services_)) {
    if (service.name == name && service.type == type) return &service;
  }
  return nullptr;
}

const Service* MasterCf::find_internal(std::string_view name) const {
  for (const Service& service : std::views::reverse(services_)) {
    if (service.name == name && service.type != "inet" && service.type != "pass") return &service;
  }
  return nullptr;
}

namespace {

constexpr std::size_t kColumns = 8;
constexpr std::array<std::string_view, 5> kTypes = {"inet", "unix", "unix-dgram", "fifo", "pass"};

bool is_choice(std::string_view field) { return field == "y" || field == "n" || field == "-"; }

bool is_count(std::string_view field) { return field == "-" || parse_number(field, INT32_MAX).has_value(); }

class Parser {
 public:
  Parser(const std::string& file, Findings& findings) : file_(file), findings_(findings) {}

  MasterCf parse(std::string_view text) {
    std::vector<Service> services;
    for (const Entry& entry : entries(text)) {
      if (auto service = parse_service(entry)) services.push_back(std::move(*service));
    }
    MasterCf result(std::move(services));
    for (const Service& service : result.services()) {
      if (!result.is_replaced(service)) continue;
      warn(FindingCode::duplicate_service, service.line,
           fmt::format("duplicate master.cf entry for service \"{}\" ({}) -- using the last entry",
                       printable(service.name), service.type));
    }
    return result;
  }

 private:
  struct Entry {
    std::string text;
    int line;
  };

  // Logical lines, with those that begin with -o in column one joined to their service.
  std::vector<Entry> entries(std::string_view text) {
    std::vector<Entry> found;
    for (const LogicalLine& line : read_logical_lines(text, file_, findings_)) {
      std::string content = line.text();
      if (content.starts_with("-o") && !found.empty()) {
        warn(FindingCode::lost_indentation, line.line(),
             fmt::format("\"{}\" is not indented: taken as an option of service {}", printable(content),
                         printable(found.back().text.substr(0, found.back().text.find_first_of(" \t")))));
        found.back().text += ' ' + content;
      } else {
        found.push_back({std::move(content), line.line()});
      }
    }
    return found;
  }

  std::optional<Service> parse_service(const Entry& entry) {
    std::vector<std::string> fields = split_words(entry.text);
    if (fields.size() < kColumns) return reject(entry, "bad field count");
    const auto invalid = [&](std::string_view what, const std::string& field) {
      return reject(entry,
                    fmt::format("invalid {} field \"{}\" in \"{}\"", what, printable(field), printable(entry.text)));
    };
    if (std::ranges::find(kTypes, fields[1]) == kTypes.end()) return invalid("type", fields[1]);
    if (!is_choice(fields[2])) return invalid("private", fields[2]);
    if (!is_choice(fields[3])) return invalid("unprivileged", fields[3]);
    if (!is_choice(fields[4])) return invalid("chroot", fields[4]);
    std::string_view wakeup = fields[5];
    if (wakeup.size() > 1 && wakeup.ends_with('?')) wakeup.remove_suffix(1);
    if (!is_count(wakeup)) return invalid("wakeup", fields[5]);
    if (!is_count(fields[6])) return invalid("process_limit", fields[6]);
    Service service;
    service.name = fields[0];
    service.type = fields[1];
    service.command = fields[7];
    service.columns = {fields[2], fields[3], fields[4], fields[5], fields[6]};
    service.file = file_;
    service.line = entry.line;
    parse_arguments({std::make_move_iterator(fields.begin() + kColumns), std::make_move_iterator(fields.end())},
                    service);
    return service;
  }

  // "-vo name=value" comes apart into "-v" "-o" "name=value", and so does "-voname=value".
  void parse_arguments(std::vector<std::string> words, Service& service) {
    std::size_t at = 0;
    for (; at < words.size(); ++at) {
      const std::string& word = words[at];
      if (!word.starts_with('-') || word == "-" || word == "--") break;
      const std::size_t option = word.find('o');
      const std::string_view flags = std::string_view(word).substr(0, option);
      service.verbose += static_cast<int>(std::ranges::count(flags, 'v'));
      if (flags.size() > 1) service.args.emplace_back(flags);
      if (option == std::string::npos) continue;
      service.args.emplace_back("-o");
      std::string value = word.substr(option + 1);
      if (value.empty()) {
        if (at + 1 == words.size()) {
          warn(FindingCode::bad_service_option, service.line,
               fmt::format("option -o of service {} has no name=value", printable(service.name)));
          continue;
        }
        value = std::move(words[++at]);
      }
      take_override(std::move(value), service);
    }
    for (; at < words.size(); ++at) {
      service.args.push_back(words[at].starts_with('{') ? open_group(words[at], service.line) : std::move(words[at]));
    }
  }

  void take_override(std::string text, Service& service) {
    const bool grouped = text.starts_with('{');
    if (grouped) text = open_group(text, service.line);
    auto split = split_name_value(text);
    if (!split) {
      warn(FindingCode::bad_service_option, service.line,
           fmt::format("{} in option -o of service {}", split.error().text, printable(service.name)));
      service.args.push_back(std::move(text));
      return;
    }
    service.args.push_back(grouped ? split->name + "=" + split->value : std::move(text));
    service.overrides.push_back({std::move(split->name), std::move(split->value)});
  }

  // The content of a {} group; what is wrong with it is a warning, as in Postfix.
  std::string open_group(std::string_view text, int line) {
    if (const auto content = braced(text)) return std::string(*content);
    int depth = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
      if (depth > 0) continue;
      warn(FindingCode::bad_service_option, line, fmt::format("syntax error after '}}' in \"{}\"", printable(text)));
      return std::string(trim(text.substr(1, at - 1)));
    }
    warn(FindingCode::bad_service_option, line, fmt::format("missing '}}' in \"{}\"", printable(text)));
    return std::string(trim(text.substr(1)));
  }

  std::nullopt_t reject(const Entry& entry, std::string text) {
    findings_.push_back(make_finding(FindingCode::bad_service_line, file_, entry.line, std::move(text)));
    return std::nullopt;
  }

  void warn(FindingCode code, int line, std::string text) {
    findings_.push_back(make_finding(code, file_, line, std::move(text)));
  }

  const std::string& file_;
  Findings& findings_;
};

}  // namespace

MasterCf parse_master_cf(std::string_view text, const std::string& file, Findings& findings) {
  return Parser(file, findings).parse(text);
}

}  // namespace waypost::config
