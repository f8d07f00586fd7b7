#include "config/view.h"

#include <unistd.h>

#include <fmt/format.h>

#include "config/expand.h"
#include "config/parameter.h"

namespace waypost::config {

namespace {

// myhostname, mydomain and mynetworks need each other at most this deep; more is a circle.
constexpr int kMaxComputedNesting = 4;
constexpr std::string_view kDefaultDomain = "localdomain";

}  // namespace

std::optional<std::string> View::process_value(std::string_view name) const {
  if (name == "process_name") return service_ ? service_->command : process_name_;
  if (name == "service_name") return service_ ? service_->name : std::string();
  if (name == "process_id") return fmt::format("{}", ::getpid());
  return std::nullopt;
}

std::optional<std::string> View::raw(std::string_view name) const {
  Question question;
  return raw(name, question);
}

std::optional<std::string> View::raw_default(std::string_view name) const {
  Question question;
  return raw_default(name, question);
}

Result<std::string> View::expanded(std::string_view text) const {
  Question question;
  return expanded(text, question);
}

std::optional<std::string> View::raw(std::string_view name, Question& question) const {
  if (auto value = process_value(name)) return value;
  if (service_) {
    if (const Override* found = service_->find_override(name)) return found->value;
  }
  if (const Setting* setting = main_.find(name)) return setting->value;
  return raw_default(name, question);
}

std::optional<std::string> View::raw_default(std::string_view name, Question& question) const {
  const Parameter* parameter = find_any_parameter(name);
  if (!parameter || parameter->type == Type::legacy) return std::nullopt;
  if (parameter->type == Type::computed) {
    if (auto value = process_value(name)) return value;
    return computed_default(name, question);
  }
  if (name == "config_directory") return directory_;
  return std::string(parameter->default_value);
}

std::string View::computed_default(std::string_view name, Question& question) const {
  if (question.nesting >= kMaxComputedNesting) return {};
  ++question.nesting;
  std::string value = compute(name, question);
  --question.nesting;
  return value;
}

std::string View::compute(std::string_view name, Question& question) const {
  if (name == "myhostname") {
    if (machine_.host_name.find('.') != std::string::npos) return machine_.host_name;
    const bool has_domain = main_.find("mydomain") != nullptr;
    return fmt::format("{}.{}", machine_.host_name, has_domain ? evaluate("mydomain", question) : kDefaultDomain);
  }
  if (name == "mydomain") {
    const std::string host = evaluate("myhostname", question);
    const std::size_t dot = host.find('.');
    return dot == std::string::npos ? std::string(kDefaultDomain) : host.substr(dot + 1);
  }
  return own_networks(machine_, evaluate("mynetworks_style", question), evaluate("inet_protocols", question),
                      evaluate("inet_interfaces", question));
}

Result<std::string> View::expanded(std::string_view text, Question& question) const {
  return expand(text, [this, &question](std::string_view name) { return raw(name, question); }, question.budget);
}

std::string View::evaluate(std::string_view name, Question& question) const {
  return expanded(raw(name, question).value_or(""), question).value_or("");
}

Result<std::string> View::value(std::string_view name) const {
  std::string text = raw(name).value_or("");
  return is_raw(name) ? Result<std::string>(std::move(text)) : expanded(text);
}

bool View::is_set(std::string_view name) const {
  return (service_ && service_->find_override(name)) || main_.find(name);
}

Origin View::origin(std::string_view name) const {
  if (service_ && service_->find_override(name)) return {service_->file, service_->line};
  const Setting* setting = main_.find(name);
  return setting ? Origin{setting->file, setting->line} : Origin{};
}

}  // namespace waypost::config
