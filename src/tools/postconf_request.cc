#include "tools/postconf_request.h"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::tools {

namespace {

// "+": options end at the first word, as in Postfix
constexpr char kOptions[] = "+aAbc:C:deEfFhHlmMno:pPtT:vxX#";

constexpr std::string_view kUsage =
    "usage: {} [-a (server SASL types)] [-A (client SASL types)] [-b (bounce templates)] [-c config_dir] [-C "
    "param_class] [-d (parameter defaults)] [-e (edit configuration)] [-f (fold lines)] [-F (master.cf fields)] [-h "
    "(no names)] [-H (no values)] [-l (lock types)] [-m (map types)] [-M (master.cf)] [-n (non-default parameters)] "
    "[-o name=value (override parameter value)] [-p (main.cf, default)] [-P (master.cf parameters)] [-t (bounce "
    "templates)] [-T compile-version|run-version|public-key-algorithms] [-v (verbose)] [-x (expand parameter values)] "
    "[-X (exclude)] [-# (comment-out)] [name...]";

// Each subject with the further options that it takes.
struct Subject {
  char option;
  PostconfSubject subject;
  std::string_view takes;
};
constexpr std::array kSubjects = {Subject{'a', PostconfSubject::server_sasl, ""},
                                  Subject{'A', PostconfSubject::client_sasl, ""},
                                  Subject{'b', PostconfSubject::expanded_templates, ""},
                                  Subject{'l', PostconfSubject::lock_types, ""},
                                  Subject{'m', PostconfSubject::table_types, ""},
                                  Subject{'T', PostconfSubject::tls, ""},
                                  Subject{'t', PostconfSubject::templates, ""},
                                  Subject{'p', PostconfSubject::parameters, "eX#fhxdnoH"},
                                  Subject{'M', PostconfSubject::services, "eX#fox"},
                                  Subject{'F', PostconfSubject::fields, "efhoxH"},
                                  Subject{'P', PostconfSubject::service_parameters, "eXfhoxH"}};
constexpr std::string_view kOfFiles = "pMFP";

struct Action {
  char option;
  PostconfAction action;
};
constexpr std::array kActions = {Action{'d', PostconfAction::show_defaults}, Action{'e', PostconfAction::edit},
                                 Action{'n', PostconfAction::show_set}, Action{'X', PostconfAction::remove},
                                 Action{'#', PostconfAction::comment_out}};

// Of each group only one may be given.
constexpr std::array<std::string_view, 6> kExclusive = {"aAblmtpMFPT", "denX#", "feX#", "xeX#", "odeX#", "hHeX#"};
// The order in which errors name options.
constexpr std::string_view kOrder = "aAbCdefFhHlmMnopPtTxX#";

bool has(std::string_view options, char option) { return options.find(option) != std::string_view::npos; }

// " -d -n": the options that are in both.
std::string list_options(std::string_view given, std::string_view among) {
  std::string list;
  for (const char option : kOrder) {
    if (has(given, option) && has(among, option)) list += fmt::format(" -{}", option);
  }
  return list;
}

Result<> take_classes(const std::string& text, PostconfRequest& request) {
  request.builtin = request.of_services = request.of_user = false;
  for (const std::string_view word : split(text, ", \t\r\n")) {
    const bool all = iequals(word, "all");
    if (!all && !iequals(word, "builtin") && !iequals(word, "service") && !iequals(word, "user")) {
      return fail(Errc::invalid, fmt::format("unknown -C option value \"{}\" in \"{}\"", word, text));
    }
    request.builtin |= all || iequals(word, "builtin");
    request.of_services |= all || iequals(word, "service");
    request.of_user |= all || iequals(word, "user");
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

Result<> take(int option, std::string_view given, PostconfRequest& request) {
  switch (option) {
    case 'b':
    case 't':
      if (has(given, 'b') || has(given, 't')) return fail(Errc::invalid, "specify one of -b and -t");
      return {};
    case 'c':
      request.directory = optarg;
      return {};
    case 'C':
      return take_classes(optarg, request);
    case 'o':
      return take_override(optarg, request);
    case 'T':
      if (has(given, 'T')) return fail(Errc::invalid, "At most one -T <mode> option may be specified");
      request.tls_topic = optarg;
      return {};
    default:
      return {};
  }
}

Result<> check_combination(std::string_view given) {
  for (const std::string_view group : kExclusive) {
    const std::string found = list_options(given, group);
    if (found.size() > 3) return fail(Errc::invalid, "specify one of" + found);
  }
  for (const Subject& subject : kSubjects) {
    if (!has(given, subject.option)) continue;
    std::string unwanted;
    for (const char option : given) {
      if (option != subject.option && has(kOrder, option) && !has(subject.takes, option)) unwanted += option;
    }
    if (unwanted.empty()) continue;
    return fail(Errc::invalid,
                fmt::format("with option -{}, do not specify{}", subject.option, list_options(unwanted, kOrder)));
  }
  return {};
}

}  // namespace

Result<PostconfRequest> parse_postconf_request(int argc, char** argv) {
  PostconfRequest request;
  std::string given;
  optind = 0;
  for (int option = 0; (option = ::getopt(argc, argv, kOptions)) != -1;) {
    if (option == '?' || option == 'E') return fail(Errc::invalid, fmt::format(fmt::runtime(kUsage), argv[0]));
    if (auto taken = take(option, given, request); !taken) return std::unexpected(taken.error());
    if (option != 'c' && option != 'C' && option != 'v') given += static_cast<char>(option);
  }
  request.words.assign(argv + optind, argv + argc);
  if (list_options(given, kExclusive[0]).empty()) given += 'p';
  const bool of_files = std::ranges::any_of(kOfFiles, [&](char option) { return has(given, option); });
  // name=value asks for an edit also without -e
  if (of_files && !request.words.empty() && has(request.words[0], '=')) given += 'e';
  if (auto allowed = check_combination(given); !allowed) return std::unexpected(allowed.error());
  for (const Subject& subject : kSubjects) {
    if (has(given, subject.option)) request.subject = subject.subject;
  }
  for (const Action& action : kActions) {
    if (has(given, action.option)) request.action = action.action;
  }
  request.fold = has(given, 'f');
  request.expand = has(given, 'x');
  request.hide_names = has(given, 'h');
  request.hide_values = has(given, 'H');
  if (request.edits() && request.words.empty()) {
    const bool edit = request.action == PostconfAction::edit;
    return fail(Errc::invalid, edit ? "-e requires name=value argument" : "missing service argument");
  }
  return request;
}

}  // namespace waypost::tools
