// postconf's edits of files from hostile hands: an edit that is taken does what it says and nothing else, and doing it
// again changes nothing in main.cf. The first line says what: 'e' 'x' '#' for main.cf, 'M' 'D' 'C' 'F' 'P' 'R' for
// master.cf, then the word; the rest is the file.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "config/logical_line.h"
#include "config/main_cf.h"
#include "config/master_cf.h"
#include "tools/postconf_edit.h"

namespace {

using namespace waypost;

struct Kind {
  char letter;
  tools::PostconfSubject subject;
  tools::PostconfAction action;
};
constexpr Kind kKinds[] = {
    {'e', tools::PostconfSubject::parameters, tools::PostconfAction::edit},
    {'x', tools::PostconfSubject::parameters, tools::PostconfAction::remove},
    {'#', tools::PostconfSubject::parameters, tools::PostconfAction::comment_out},
    {'M', tools::PostconfSubject::services, tools::PostconfAction::edit},
    {'D', tools::PostconfSubject::services, tools::PostconfAction::remove},
    {'C', tools::PostconfSubject::services, tools::PostconfAction::comment_out},
    {'F', tools::PostconfSubject::fields, tools::PostconfAction::edit},
    {'P', tools::PostconfSubject::service_parameters, tools::PostconfAction::edit},
    {'R', tools::PostconfSubject::service_parameters, tools::PostconfAction::remove},
};

Result<std::string> edited(const tools::PostconfRequest& request, std::string_view text) {
  tools::Warnings warnings;
  return request.subject == tools::PostconfSubject::parameters ? tools::edit_main_cf(text, "f", request, warnings)
                                                               : tools::edit_master_cf(text, "f", request, warnings);
}

// Everything but what was edited has the value it had.
void compare_main(const tools::PostconfRequest& request, std::string_view before, std::string_view after) {
  config::Findings findings;
  const config::MainCf old_main = config::parse_main_cf(before, "f", findings);
  const config::MainCf new_main = config::parse_main_cf(after, "f", findings);
  WAYPOST_ASSERT(!config::has_errors(findings));
  const std::string& word = request.words[0];
  const auto pair = config::split_name_value(word);
  const bool edit = request.action == tools::PostconfAction::edit;
  const std::string name(edit ? pair->name : word.substr(0, word.find_last_not_of(" \t\r\n\v\f") + 1));
  for (const auto& [other, setting] : old_main.settings()) {
    const config::Setting* found = new_main.find(other);
    if (other != name && name.find(other) == std::string::npos) WAYPOST_ASSERT(found && found->value == setting.value);
  }
  const config::Setting* found = new_main.find(name);
  if (!edit) WAYPOST_ASSERT(!found);
  if (edit && !config::is_restriction_list(name)) WAYPOST_ASSERT(found && found->value == pair->value);
}

void compare_master(std::string_view before, std::string_view after) {
  config::Findings findings;
  config::parse_master_cf(before, "f", findings);
  if (config::has_errors(findings)) return;
  config::parse_master_cf(after, "f", findings);
  WAYPOST_ASSERT(!config::has_errors(findings));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\n');
  if (input.empty() || end == std::string_view::npos || input.find('\0') != std::string_view::npos) return 0;
  for (const Kind& kind : kKinds) {
    if (kind.letter != input[0]) continue;
    tools::PostconfRequest request;
    request.subject = kind.subject;
    request.action = kind.action;
    request.words = {std::string(input.substr(1, end - 1))};
    const std::string_view text = input.substr(end + 1);
    const auto once = edited(request, text);
    if (!once) {
      WAYPOST_ASSERT(!once.error().text.empty());
      break;
    }
    const bool of_main = kind.subject == tools::PostconfSubject::parameters;
    // in a broken file a stray line may come to stand behind a value that became empty, and continue it; what is added
    // behind an option without its value becomes that value
    config::Findings findings;
    if (of_main) config::parse_main_cf(text, "f", findings);
    if (!of_main) config::parse_master_cf(text, "f", findings);
    if (of_main ? config::has_errors(findings) : !findings.empty()) break;
    if (of_main) {  // an edit of master.cf may rename what it is about
      const auto twice = edited(request, *once);
      WAYPOST_ASSERT(twice && *twice == *once);
    }
    of_main ? compare_main(request, text, *once) : compare_master(text, *once);
  }
  return 0;
}
