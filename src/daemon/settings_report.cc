#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"
#include "config/expand.h"
#include "config/main_cf.h"
#include "daemon/settings.h"

namespace waypost::daemon {
namespace {

// What notify_classes asks for about bounces. The other classes are for the sessions of smtpd (settings_smtpd.cc).
void read_notify_classes(config::Reader& reader, report::Settings& out) {
  constexpr std::array<std::string_view, 5> kTranscripts = {"data", "policy", "protocol", "resource", "software"};
  for (const auto& word : reader.list("notify_classes")) {
    if (iequals(word, "bounce")) {
      out.copy_failures = true;
    } else if (iequals(word, "2bounce")) {
      out.report_double_failures = true;
    } else if (iequals(word, "delay")) {
      out.copy_delays = true;
    } else if (std::ranges::find(kTranscripts, to_lower(word)) == kTranscripts.end()) {
      reader.reject("notify_classes", fmt::format("unknown notification class: {}", word));
    }
  }
  out.bounce_notice_recipient = reader.text("bounce_notice_recipient");
  out.double_bounce_notice_recipient = reader.text("2bounce_notice_recipient");
  out.delay_notice_recipient = reader.text("delay_notice_recipient");
}

// $maximal_queue_lifetime_days and its kin: a parameter in another unit, rounded up.
std::optional<std::string> in_unit(config::Reader& reader, std::string_view name) {
  constexpr std::array<std::string_view, 2> kParameters = {"delay_warning_time", "maximal_queue_lifetime"};
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {
      {{"_seconds", 1}, {"_minutes", 60}, {"_hours", 3'600}, {"_days", 86'400}, {"_weeks", 604'800}}};
  for (const auto parameter : kParameters) {
    for (const auto& [suffix, seconds] : kUnits) {
      if (name.size() != parameter.size() + suffix.size() || !name.starts_with(parameter) || !name.ends_with(suffix)) {
        continue;
      }
      return fmt::format("{}", (reader.duration(parameter).count() + seconds - 1) / seconds);
    }
  }
  return std::nullopt;
}

std::shared_ptr<const report::Template> expanded(config::Reader& reader, std::optional<report::Template> one) {
  if (!one) return nullptr;
  const auto value_of = [&](std::string_view name) {
    auto value = in_unit(reader, name);
    if (!value) value = reader.view().raw(name);
    if (!value) reader.reject("bounce_template_file", fmt::format("undefined parameter in a template: {}", name));
    return value;
  };
  auto text = config::expand(one->text, value_of);
  if (text) {
    one->text = std::move(*text);
  } else {
    reader.reject("bounce_template_file", text.error().text);
  }
  return std::make_shared<const report::Template>(std::move(*one));
}

void read_bounce_templates(config::Reader& reader, report::Settings& out) {
  const auto path = reader.text("bounce_template_file");
  if (path.empty()) return;
  const auto text = config::read_config_file(path);
  if (!text) {
    reader.reject("bounce_template_file", text.error().text);
    return;
  }
  auto templates = report::parse_templates(*text);
  if (!templates) {
    reader.reject("bounce_template_file", fmt::format("{}, {}", path, templates.error().text));
    return;
  }
  out.failure_template = expanded(reader, std::move(templates->failure));
  out.delay_template = expanded(reader, std::move(templates->delay));
  out.success_template = expanded(reader, std::move(templates->success));
}

}  // namespace

report::Settings read_report(config::Reader& reader) {
  report::Settings out;
  out.hostname = reader.text("myhostname");
  out.origin = reader.text("myorigin");
  out.mail_name = reader.text("mail_name");
  out.bounce_size_limit = static_cast<std::uint64_t>(reader.number("bounce_size_limit", 0));
  out.maximal_queue_lifetime = reader.duration("maximal_queue_lifetime");
  out.delay_warning_time = reader.duration("delay_warning_time");
  out.double_bounce_sender = reader.text("double_bounce_sender");
  out.threaded = reader.flag("enable_threaded_bounces");
  read_notify_classes(reader, out);
  read_bounce_templates(reader, out);
  return out;
}

}  // namespace waypost::daemon
