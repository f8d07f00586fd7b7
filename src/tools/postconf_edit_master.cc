#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/text.h"
#include "config/main_cf.h"
#include "config/master_cf.h"
#include "config/values.h"
#include "tools/postconf_edit.h"
#include "tools/postconf_layout.h"
#include "tools/service_pattern.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kEdits = "-Me, -Fe, -Pe, -X, or -#";

// One word of the command line.
struct MasterEdit {
  std::string_view word;
  ServicePattern pattern;
  std::string value;
  std::size_t field = 0;                   // -F
  std::optional<config::Service> service;  // -Me: the new one
  int matches = 0;

  bool matches_service(std::string_view name, std::string_view type) const {
    return pattern.matches(name, type) || (service && service->name == name && service->type == type);
  }
};

bool has_blanks(std::string_view text) { return text.find_first_of(kBlanks) != std::string_view::npos; }

// The one service that a logical line holds. What was wrong with it comes without a place.
Result<config::Service> parse_service(std::string_view line) {
  config::Findings findings;
  const auto parsed = config::parse_master_cf(line, "", findings);
  for (const config::Finding& finding : findings) {
    if (finding.severity == config::Severity::error) return fail(Errc::invalid, finding.text);
  }
  if (parsed.services().size() != 1) return fail(Errc::invalid, "bad field count");
  return parsed.services().front();
}

Result<> take_service(MasterEdit& edit) {
  auto service = parse_service(edit.value);
  if (service) {
    edit.service = std::move(*service);
    return {};
  }
  const std::string& why = service.error().text;
  return fail(Errc::invalid, why == "bad field count" ? fmt::format("{}: \"{}\"", why, edit.word) : why);
}

Result<> take_field(MasterEdit& edit) {
  const std::string& name = edit.pattern.rest;
  const auto* field = std::ranges::find(kServiceFields, name);
  if (name == "*") return fail(Errc::invalid, "-Fe does not accept wild-card field name");
  if (field == kServiceFields.end())
    return fail(Errc::invalid, fmt::format("invalid service attribute name: \"{}\"", name));
  edit.field = static_cast<std::size_t>(field - kServiceFields.begin());
  if (edit.field != kCommandField && has_blanks(edit.value))
    return fail(Errc::invalid, "-Fe does not accept whitespace in non-command field");
  return {};
}

Result<> take_parameter(const MasterEdit& edit) {
  if (edit.pattern.rest == "*") return fail(Errc::invalid, "-Pe does not accept wild-card parameter name");
  if (has_blanks(edit.value)) return fail(Errc::invalid, "-Pe does not accept whitespace in parameter value");
  return {};
}

// What is before the value: the word is a pattern, with "= value" behind it when something is to be set.
Result<std::string> split_word(MasterEdit& edit, PostconfAction action) {
  if (edit.word.find('\n') != std::string_view::npos)
    return fail(Errc::invalid, fmt::format("{} accept no multi-line input", kEdits));
  const std::string_view text = trim_left(edit.word);
  if (text.starts_with('#')) return fail(Errc::invalid, fmt::format("{} accept no comment input", kEdits));
  if (action != PostconfAction::edit) {
    if (text.find('=') != std::string_view::npos) return fail(Errc::invalid, "-X or -# requires names without value");
    return std::string(trim_right(text));
  }
  auto pair = config::split_name_value(text);
  if (!pair) {
    const std::string& why = pair.error().text;
    return fail(Errc::invalid, fmt::format("{}: \"{}\"", why.substr(0, why.find(": \"")), edit.word));
  }
  edit.value = std::move(pair->value);
  return std::move(pair->name);
}

Result<MasterEdit> parse_edit(const std::string& word, const PostconfRequest& request) {
  MasterEdit edit{.word = word};
  const auto left = split_word(edit, request.action);
  if (!left) return std::unexpected(left.error());
  const bool whole = request.subject == PostconfSubject::services;
  const bool fields = request.subject == PostconfSubject::fields;
  const int parts = whole ? 2 : 3;
  const auto pattern = parse_service_pattern(*left, parts, parts);
  if (!pattern) {
    return fail(Errc::invalid, whole    ? "-Me, -MX or -M# requires service_name/type"
                               : fields ? "-Fe or -FX requires service_name/type/field_name"
                                        : "-Pe or -PX requires service_name/type/parameter");
  }
  edit.pattern = *pattern;
  Result<> taken;
  if (whole && request.action == PostconfAction::edit) taken = take_service(edit);
  if (fields) taken = take_field(edit);
  if (!whole && !fields) taken = take_parameter(edit);
  if (!taken) return std::unexpected(taken.error());
  return edit;
}

// The service as one line, with `value` in place of one column.
std::string line_with(const config::Service& service, std::size_t replaced, std::string_view value) {
  std::string line;
  for (std::size_t field = 0; field < kServiceFieldCount; ++field) {
    line += fmt::format("{} ", field == replaced ? value : service_field(service, field));
  }
  if (replaced == kCommandField) return line;
  for (const std::string& argument : service.args) {
    line += has_blanks(argument) ? fmt::format("{{{}}} ", argument) : argument + " ";
  }
  return line;
}

Result<config::Service> change_field(const config::Service& service, const MasterEdit& edit) {
  auto changed = parse_service(line_with(service, edit.field, edit.value));
  if (changed) return changed;
  const std::string& why = changed.error().text;
  const std::size_t end = why.find("\" in \"");
  return fail(Errc::invalid,
              end == std::string::npos ? why : fmt::format("{}\" in \"{}\"", why.substr(0, end), edit.value));
}

// Every -o of the name gets the value, or goes; without any, a new one is put behind the other options.
config::Service change_override(const config::Service& service, const MasterEdit& edit, bool remove) {
  config::Service changed = service;
  changed.args.clear();
  const std::string start = edit.pattern.rest + "=";
  bool found = remove;
  const std::size_t operands = service.first_operand();
  for (std::size_t at = 0; at < operands; ++at) {
    const bool sets = config::takes_value(service.args[at]) && at + 1 < operands;
    const bool matches = sets && service.args[at + 1].starts_with(start);
    if (!matches || !remove) changed.args.push_back(service.args[at]);
    if (!sets) continue;
    ++at;
    if (!matches) changed.args.push_back(service.args[at]);
    if (matches && !remove) changed.args.push_back(start + edit.value);
    found = found || matches;
  }
  if (!found) changed.args.insert(changed.args.end(), {"-o", start + edit.value});
  changed.args.insert(changed.args.end(), service.args.begin() + static_cast<std::ptrdiff_t>(operands),
                      service.args.end());
  return changed;
}

// A line that starts with -o in column one belongs to the service before it, as it does for the reader of master.cf.
std::vector<Block> read_services(std::string_view text) {
  std::vector<Block> services;
  for (Block& block : read_blocks(text)) {
    const bool option = block.has_logical() && block.lines.front().starts_with("-o");
    if (option && !services.empty() && services.back().has_logical()) {
      services.back().lines.insert(services.back().lines.end(), block.lines.begin(), block.lines.end());
    } else {
      services.push_back(std::move(block));
    }
  }
  return services;
}

class MasterEditor {
 public:
  MasterEditor(const std::string& file, const PostconfRequest& request, std::vector<MasterEdit>& edits)
      : file_(file), request_(request), edits_(edits) {}

  Result<> block(const Block& block) {
    if (!block.has_logical()) return keep(block);
    const auto words = split(block.lines.front(), kBlanks);
    if (words.size() < 2) return refuse(block, "specify service name and type on the same line");
    if (words[0].find('=') != std::string_view::npos) return refuse_name(block, "name", words[0]);
    if (words[1].find_first_of("=/") != std::string_view::npos) return refuse_name(block, "type", words[1]);
    std::vector<MasterEdit*> matching;
    for (MasterEdit& edit : edits_) {
      if (edit.matches_service(words[0], words[1])) matching.push_back(&edit);
    }
    if (matching.empty()) return keep(block);
    const auto replacement = replace(block, matching);
    if (!replacement) return std::unexpected(replacement.error());
    out_ += *replacement;
    for (const std::string_view line : block.lines) {
      if (is_comment_line(line)) {
        out_ += closed(line);
      } else if (request_.action == PostconfAction::comment_out) {
        out_ += '#' + closed(line);
      }
    }
    return {};
  }

  std::string finish(Warnings& warnings) {
    for (const MasterEdit& edit : edits_) {
      if (edit.matches > 0) continue;
      if (edit.service) out_ += layout_service(*edit.service, true);
      if (request_.subject != PostconfSubject::services)
        warnings.push_back(fmt::format("unmatched service_name/type: \"{}\"", edit.word));
    }
    return std::move(out_);
  }

 private:
  Result<> keep(const Block& block) {
    for (const std::string_view line : block.lines) out_ += closed(line);
    return {};
  }

  Result<> refuse(const Block& block, std::string_view why) const {
    return fail(Errc::invalid, fmt::format("file {}: line {}: {}", file_, block.first_line, why));
  }
  Result<> refuse_name(const Block& block, std::string_view what, std::string_view text) const {
    return refuse(block, fmt::format("service {} syntax \"{}\" is unsupported with {}", what, text, kEdits));
  }

  // What stands in place of the service: nothing when it goes or is commented out. A whole new service takes the place
  // of the first that it matches; further ones go.
  Result<std::string> replace(const Block& block, const std::vector<MasterEdit*>& matching) const {
    if (request_.subject == PostconfSubject::services) {
      const config::Service* placed = nullptr;
      for (MasterEdit* edit : matching) {
        if (++edit->matches == 1 && edit->service) placed = &*edit->service;
      }
      return placed ? layout_service(*placed, true) : std::string();
    }
    auto service = parse_service(block.logical());
    if (!service) return std::unexpected(refuse(block, service.error().text).error());
    for (MasterEdit* edit : matching) {
      ++edit->matches;
      service = request_.subject == PostconfSubject::fields
                    ? change_field(*service, *edit)
                    : change_override(*service, *edit, request_.action == PostconfAction::remove);
      if (!service) return std::unexpected(service.error());
    }
    return write(block, *service);
  }

  // What would not read the same again, such as a brace that nothing closes, is not written.
  Result<std::string> write(const Block& block, const config::Service& service) const {
    std::string text = layout_service(service, true);
    const auto again = parse_service(text);
    if (again && again->args == service.args && again->command == service.command) return text;
    return std::unexpected(refuse(block, "unbalanced {} in the arguments of the service").error());
  }

  const std::string& file_;
  const PostconfRequest& request_;
  std::vector<MasterEdit>& edits_;
  std::string out_;
};

}  // namespace

Result<std::string> edit_master_cf(std::string_view text, const std::string& file, const PostconfRequest& request,
                                   Warnings& warnings) {
  std::vector<MasterEdit> edits;
  for (const std::string& word : request.words) {
    auto edit = parse_edit(word, request);
    if (!edit) return std::unexpected(edit.error());
    edits.push_back(std::move(*edit));
  }
  MasterEditor editor(file, request, edits);
  for (const Block& block : read_services(text)) {
    if (auto done = editor.block(block); !done) return std::unexpected(done.error());
  }
  return editor.finish(warnings);
}

}  // namespace waypost::tools
