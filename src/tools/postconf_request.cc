#include "tools/postconf_request.h"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::tools {

namespace {

constexpr char kOptions[] = "aAc:C:deEfFhHlmMno:pPT:vxX#";

constexpr std::string_view kUsage =
    "usage: {} [-a (server SASL types)] [-A (client SASL types)] [-c config_dir] [-C param_class] [-d (parameter "
    "defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] [-h (no names)] [-H (no values)] "
    "[-l (lock types)] [-m (map types)] [-M (master.cf)] [-n (non-default parameters)] [-o name=value (override "
    "parameter value)] [-p (main.cf, default)] [-P (master.cf parameters)] [-T "
    "compile-version|run-version|public-key-algorithms] [-v (verbose)] [-x (expand parameter values)] [-X (exclude)] "
    "[-# (comment-out)] [name...]";

struct Choice {
  char option;
  PostconfSubject subject;
};
constexpr std::array kSubjects = {
    Choice{'a', PostconfSubject::server_sasl}, Choice{'A', PostconfSubject::client_sasl},
    Choice{'F', PostconfSubject::fields},      Choice{'l', PostconfSubject::lock_types},
    Choice{'m', PostconfSubject::table_types}, Choice{'M', PostconfSubject::services},
    Choice{'p', PostconfSubject::parameters},  Choice{'P', PostconfSubject::service_parameters},
    Choice{'T', PostconfSubject::tls}};

struct ActionChoice {
  char option;
  PostconfAction action;
};
constexpr std::array kActions = {ActionChoice{'d', PostconfAction::show_defaults},
                                 ActionChoice{'e', PostconfAction::edit}, ActionChoice{'n', PostconfAction::show_set},
                                 ActionChoice{'X', PostconfAction::remove},
                                 ActionChoice{'#', PostconfAction::comment_out}};

// The options given of one group of which only one may be.
template <class Table>
Result<const typename Table::value_type*> pick(const Table& table, std::string_view given) {
  const typename Table::value_type* picked = nullptr;
  std::string conflict;
  for (const auto& choice : table) {
    if (given.find(choice.option) == std::string_view::npos) continue;
    picked = &choice;
    conflict += fmt::format(" -{}", choice.option);
  }
  if (conflict.size() > 3) return fail(Errc::invalid, "specify one of" + conflict);
  return picked;
}

Result<> take_classes(const std::string& text, PostconfRequest& request) {
  request.builtin = request.of_services = request.of_user = false;
  for (const std::string_view word : split(text, ", ")) {
    if (word == "builtin" || word == "all") request.builtin = true;
    if (word == "service" || word == "all") request.of_services = true;
    if (word == "user" || word == "all") request.of_user = true;
    if (word != "builtin" && word != "service" && word != "user" && word != "all") {
      return fail(Errc::invalid, fmt::format("unknown -C option value \"{}\" in \"{}\"", word, text));
    }
  }
  return {};
}

Result<> take_override(const std::string& text, PostconfRequest& request) {
  auto split = config::split_name_value(text);
  if (!split) {
    const std::string_view why = split.error().text;
    return fail(Errc::invalid,
                fmt::format("invalid parameter override: {}: {}", text, why.substr(0, why.find(": \""))));
  }
  request.overrides.push_back(std::move(*split));
  return {};
}

// Which further options a subject does not take.
std::string_view unwanted(PostconfSubject subject) {
  switch (subject) {
    case PostconfSubject::services:
      return "dhHn";
    case PostconfSubject::fields:
      return "dnX#";
    case PostconfSubject::service_parameters:
      return "dn#";
    case PostconfSubject::parameters:
      return "";
    default:
      return "defhHnxX#";
  }
}

Result<> check_combination(PostconfSubject subject, std::string_view given) {
  const auto chosen = std::ranges::find(kSubjects, subject, &Choice::subject);
  for (const char option : unwanted(subject)) {
    if (given.find(option) == std::string_view::npos) continue;
    return fail(Errc::invalid, fmt::format("with option -{}, do not specify -{}", chosen->option, option));
  }
  return {};
}

}  // namespace

Result<PostconfRequest> parse_postconf_request(int argc, char** argv) {
  PostconfRequest request;
  std::string given;
  optind = 0;
  for (int option = 0; (option = ::getopt(argc, argv, kOptions)) != -1;) {
    Result<> taken;
    switch (option) {
      case 'c':
        request.directory = optarg;
        break;
      case 'C':
        taken = take_classes(optarg, request);
        break;
      case 'o':
        taken = take_override(optarg, request);
        break;
      case 'f':
        request.fold = true;
        break;
      case 'h':
        request.hide_names = true;
        break;
      case 'H':
        request.hide_values = true;
        break;
      case 'x':
        request.expand = true;
        break;
      case 'E':
      case 'v':
        break;
      case '?':
        return fail(Errc::invalid, fmt::format(fmt::runtime(kUsage), argv[0]));
      default:
        if (option == 'T') request.tls_topic = optarg;
    }
    if (!taken) return std::unexpected(taken.error());
    given += static_cast<char>(option);
  }
  const auto subject = pick(kSubjects, given);
  if (!subject) return std::unexpected(subject.error());
  const auto action = pick(kActions, given);
  if (!action) return std::unexpected(action.error());
  if (*subject) request.subject = (*subject)->subject;
  if (*action) request.action = (*action)->action;
  if (auto allowed = check_combination(request.subject, given); !allowed) return std::unexpected(allowed.error());
  request.words.assign(argv + optind, argv + argc);
  return request;
}

}  // namespace waypost::tools
