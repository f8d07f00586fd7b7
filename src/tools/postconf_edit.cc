#include "tools/postconf_edit.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "config/main_cf.h"
#include "config/master_cf.h"
#include "tools/postconf_files.h"
#include "tools/postconf_layout.h"

namespace waypost::tools {

namespace {

// What becomes of one logical line: a new text with its newline, nothing (removed), or a comment.
struct Fate {
  bool comment_out = false;
  std::string text;
};

// For each logical line, given whole. nullopt: it stays as it is.
using Decide = std::function<std::optional<Fate>(std::string_view logical)>;

bool is_comment(std::string_view line) {
  const std::string_view content = trim(line);
  return content.empty() || content.front() == '#';
}

// One logical line with the comments that stand between its pieces.
struct Block {
  std::vector<std::string_view> lines;  // with their newlines

  std::string logical() const {
    std::string text;
    for (const std::string_view line : lines) {
      if (!is_comment(line)) text += line.substr(0, line.find('\n'));
    }
    return text;
  }
};

// Lines that start in column one and still continue what is before them are the caller's to know.
std::vector<Block> blocks_of(std::string_view text, const std::function<bool(std::string_view)>& is_continuation) {
  std::vector<Block> blocks(1);
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(line.size());
    if (!is_comment(line) && !is_space(line.front()) && !is_continuation(line)) blocks.emplace_back();
    blocks.back().lines.push_back(line);
  }
  return blocks;
}

std::string rewrite(const std::vector<Block>& blocks, const Decide& decide) {
  std::string out;
  for (const Block& block : blocks) {
    const std::string logical = block.logical();
    const auto fate = logical.empty() ? std::nullopt : decide(logical);
    if (fate) out += fate->text;
    for (const std::string_view line : block.lines) {
      if (!fate || is_comment(line)) {
        out += line;
      } else if (fate->comment_out) {
        out += '#';
        out += line;
      }
    }
  }
  return out;
}

void end_with_newline(std::string& text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
}

Result<> refuse_odd_input(std::string_view word) {
  if (word.find('\n') != std::string_view::npos)
    return fail(Errc::invalid, "-e, -X, or -# accepts no multi-line input");
  if (trim_left(word).starts_with('#')) return fail(Errc::invalid, "-e, -X, or -# accepts no comment input");
  return {};
}

Fate fate_of(PostconfAction action, std::string replacement) {
  if (action == PostconfAction::comment_out) return {true, {}};
  return {false, action == PostconfAction::edit ? std::move(replacement) : std::string()};
}

struct ParameterEdit {
  std::string value;
  int matches = 0;
};
using ParameterEdits = std::map<std::string, ParameterEdit, std::less<>>;

// The order of the command line, for what is appended.
Result<ParameterEdits> read_parameter_edits(const PostconfRequest& request, std::vector<std::string>& order,
                                            Warnings& warnings) {
  ParameterEdits edits;
  for (const std::string& word : request.words) {
    if (auto plain = refuse_odd_input(word); !plain) return std::unexpected(plain.error());
    config::NameValue pair{word, {}};
    if (request.action == PostconfAction::edit) {
      auto split = config::split_name_value(word);
      if (!split) return std::unexpected(split.error());
      pair = std::move(*split);
    } else if (word.find('=') != std::string::npos) {
      return fail(Errc::invalid, "-X or -# requires names without value");
    }
    const auto earlier = edits.find(pair.name);
    if (earlier != edits.end()) {
      warnings.push_back(fmt::format("ignoring earlier request: '{} = {}'", pair.name, earlier->second.value));
    } else {
      order.push_back(pair.name);
    }
    edits[pair.name] = {pair.value, 0};
  }
  return edits;
}

std::string setting_line(std::string_view name, std::string_view value) {
  return value.empty() ? fmt::format("{} =\n", name) : fmt::format("{} = {}\n", name, value);
}

}  // namespace

Result<std::string> edit_main_cf(std::string_view text, const std::string& file, const PostconfRequest& request,
                                 Warnings& warnings) {
  std::vector<std::string> order;
  auto edits = read_parameter_edits(request, order, warnings);
  if (!edits) return std::unexpected(edits.error());
  const auto blocks = blocks_of(text, [](std::string_view line) { return line.find('=') == std::string_view::npos; });
  std::string out = rewrite(blocks, [&](std::string_view logical) -> std::optional<Fate> {
    const auto split = config::split_name_value(logical);
    const auto edit = split ? edits->find(split->name) : edits->end();
    if (edit == edits->end()) return std::nullopt;
    if (++edit->second.matches == 2)
      warnings.push_back(fmt::format("{}: multiple entries for \"{}\"", file, edit->first));
    return fate_of(request.action, setting_line(edit->first, edit->second.value));
  });
  for (const std::string& name : order) {
    const ParameterEdit& edit = edits->at(name);
    if (request.action != PostconfAction::edit || edit.matches > 0) continue;
    end_with_newline(out);
    out += setting_line(name, edit.value);
  }
  return out;
}

namespace {

std::vector<Block> service_blocks(std::string_view text) {
  return blocks_of(text, [](std::string_view line) { return line.starts_with("-o"); });
}

std::optional<config::Service> parse_one(const std::string& line, std::string& error) {
  config::Findings findings;
  const auto parsed = config::parse_master_cf(line, "", findings);
  for (const auto& finding : findings) {
    if (finding.severity == config::Severity::error) error = finding.text;
  }
  return parsed.services().size() == 1 ? std::optional(parsed.services().front()) : std::nullopt;
}

// -Me 'name/type = line', -MX name/type, -M# name/type.
Result<std::string> edit_service(std::string_view text, const std::string& word, PostconfAction action) {
  const std::size_t equals = action == PostconfAction::edit ? word.find('=') : word.size();
  const auto pattern = parse_service_pattern(trim(std::string_view(word).substr(0, equals)), 2);
  if (!pattern || pattern->parts != 2) return fail(Errc::invalid, "-Me, -MX or -M# requires service_name/type");
  std::string replacement;
  if (action == PostconfAction::edit) {
    if (equals == std::string::npos)
      return fail(Errc::invalid, fmt::format("missing '=' after attribute name: \"{}\"", word));
    std::string error = "bad field count";
    const auto service = parse_one(std::string(trim(std::string_view(word).substr(equals + 1))), error);
    if (!service) return fail(Errc::invalid, error);
    replacement = layout_service(*service, true);
  }
  bool matched = false;
  std::string ignored;
  std::string out = rewrite(service_blocks(text), [&](std::string_view logical) -> std::optional<Fate> {
    const auto service = parse_one(std::string(logical), ignored);
    if (!service || !pattern->matches(*service)) return std::nullopt;
    matched = true;
    return fate_of(action, replacement);
  });
  if (!matched && action == PostconfAction::edit) {
    end_with_newline(out);
    out += replacement;
  }
  return out;
}

// Rewrites each matching service with `change`, which answers its new line or why not.
using Change = std::function<Result<std::string>(const config::Service&, const ServicePattern&)>;

Result<std::string> change_services(std::string_view text, const std::string& word, const ServicePattern& pattern,
                                    const Change& change, Warnings& warnings) {
  bool matched = false;
  std::string error;
  std::string out = rewrite(service_blocks(text), [&](std::string_view logical) -> std::optional<Fate> {
    std::string ignored;
    const auto service = parse_one(std::string(logical), ignored);
    if (!service || !pattern.matches(*service)) return std::nullopt;
    matched = true;
    const auto line = change(*service, pattern);
    const auto changed = line ? parse_one(*line, error) : std::nullopt;
    if (!line) error = line.error().text;
    return changed ? std::optional(Fate{false, layout_service(*changed, true)}) : std::nullopt;
  });
  if (!error.empty()) return fail(Errc::invalid, error);
  if (!matched) warnings.push_back(fmt::format("unmatched service_name/type: \"{}\"", word));
  return out;
}

// The service as one line, with field `replaced` (none: kServiceFieldCount) taken from `value`.
std::string service_line(const config::Service& service, std::size_t replaced, std::string_view value) {
  std::string line;
  for (std::size_t field = 0; field < kServiceFieldCount; ++field) {
    if (field > 0) line += ' ';
    line += field == replaced ? std::string(value) : service_field(service, field);
  }
  return line;
}

Result<std::string> change_field(const config::Service& service, const ServicePattern& pattern,
                                 std::string_view value) {
  const auto field = std::ranges::find(kServiceFields, pattern.rest);
  if (field == kServiceFields.end())
    return fail(Errc::invalid, fmt::format("invalid service attribute name: \"{}\"", pattern.rest));
  return service_line(service, static_cast<std::size_t>(field - kServiceFields.begin()), value);
}

// With a value the first -o of that name gets it, or a new one after the others; all further ones of the name go.
Result<std::string> change_override(const config::Service& service, const std::string& name,
                                    const std::optional<std::string>& value) {
  config::Service changed = service;
  changed.args.clear();
  const auto put = [&] { changed.args.insert(changed.args.end(), {"-o", fmt::format("{}={}", name, *value)}); };
  bool done = !value;
  const std::size_t operands = service.first_operand();
  for (std::size_t at = 0; at < operands; ++at) {
    const bool setting = service.args[at].ends_with('o') && at + 1 < service.args.size();
    const std::string_view argument = setting ? std::string_view(service.args[at + 1]) : std::string_view();
    if (setting && (argument.starts_with(name + "=") || argument.starts_with("{" + name + "="))) {
      if (!done) put();
      done = true;
      ++at;
      continue;
    }
    changed.args.push_back(service.args[at]);
    if (setting) changed.args.push_back(service.args[++at]);
  }
  if (!done) put();
  changed.args.insert(changed.args.end(), service.args.begin() + static_cast<std::ptrdiff_t>(operands),
                      service.args.end());
  return service_line(changed, kServiceFieldCount, {});
}

// -F name/type/field=value, -P name/type/parameter=value, -PX name/type/parameter.
Result<std::string> edit_part(std::string_view text, const std::string& word, const PostconfRequest& request,
                              Warnings& warnings) {
  const bool fields = request.subject == PostconfSubject::fields;
  const bool remove = request.action == PostconfAction::remove;
  const std::size_t equals = remove ? word.size() : word.find('=');
  const auto pattern = parse_service_pattern(trim(std::string_view(word).substr(0, equals)), 3);
  if (!pattern || pattern->parts != 3) {
    return fail(Errc::invalid,
                fields ? "-Fe requires service_name/type/field" : "-Pe or -PX requires service_name/type/parameter");
  }
  if (equals == std::string::npos)
    return fail(Errc::invalid, fmt::format("missing '=' after attribute name: \"{}\"", word));
  const std::string value(remove ? std::string_view() : trim(std::string_view(word).substr(equals + 1)));
  if (fields) {
    return change_services(
        text, word, *pattern, [&](const auto& service, const auto& p) { return change_field(service, p, value); },
        warnings);
  }
  if (std::ranges::any_of(value, is_space))
    return fail(Errc::invalid, "-Pe does not accept whitespace in parameter value");
  return change_services(
      text, word, *pattern,
      [&](const auto& service, const auto& p) {
        return change_override(service, p.rest, remove ? std::nullopt : std::optional(value));
      },
      warnings);
}

}  // namespace

Result<std::string> edit_master_cf(std::string_view text, const std::string& file, const PostconfRequest& request,
                                   Warnings& warnings) {
  config::Findings findings;
  config::parse_master_cf(text, file, findings);
  for (const auto& finding : findings) {
    if (finding.severity == config::Severity::error) return fail(Errc::invalid, config::describe(finding));
  }
  std::string edited(text);
  for (const std::string& word : request.words) {
    if (auto plain = refuse_odd_input(word); !plain) return std::unexpected(plain.error());
    auto next = request.subject == PostconfSubject::services ? edit_service(edited, word, request.action)
                                                             : edit_part(edited, word, request, warnings);
    if (!next) return next;
    edited = std::move(*next);
  }
  return edited;
}

Result<> edit_configuration(const std::string& directory, const PostconfRequest& request, Warnings& warnings) {
  if (request.words.empty()) {
    const bool edit = request.action == PostconfAction::edit;
    return fail(Errc::invalid, edit ? "-e requires name=value argument" : "-X or -# requires name argument");
  }
  const bool main = request.subject == PostconfSubject::parameters;
  const std::string path = directory + (main ? "/main.cf" : "/master.cf");
  const auto text = config::read_config_file(path);
  if (!text) return std::unexpected(text.error());
  const auto edited =
      main ? edit_main_cf(*text, path, request, warnings) : edit_master_cf(*text, path, request, warnings);
  if (!edited) return std::unexpected(edited.error());
  return *edited == *text ? Result<>() : replace_file(path, *edited);
}

}  // namespace waypost::tools
