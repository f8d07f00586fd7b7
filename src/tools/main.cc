// One program, many commands: which one is said by the name it is called by (postfix, mailq, ...), or, called as
// waypost, by its first argument.
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "tools/check.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/postconf.h"
#include "tools/postmap.h"
#include "tools/spool_tool.h"

namespace waypost::tools {
namespace {

struct Command {
  std::string_view name;
  int (*main)(int, char**);
  std::string_view summary;  // empty: not for people
};

constexpr std::array kCommands = {
    Command{"postfix", postfix_main, "start, stop, reload, check the relay"},
    Command{"master", master_main, ""},
    Command{"check", check_main, "say what is wrong with a configuration"},
    Command{"who-may-relay", relay_proof_main, "prove who may send mail to where"},
    Command{"verify-relay", relay_proof_main, ""},
    Command{"postmap", postmap_main, "build and query lookup tables"},
    Command{"postalias", postalias_main, "build and query alias databases"},
    Command{"newaliases", sendmail_main, "build the alias databases of alias_database"},
    Command{"postconf", postconf_main, "show and edit the configuration"},
    Command{"postlog", postlog_main, "write to the mail log"},
    Command{"postqueue", postqueue_main, "show and flush the queue"},
    Command{"postcat", postcat_main, "show a queued message with its envelope"},
    Command{"mailq", sendmail_main, "show the queue"},
    Command{"postsuper", postsuper_main, "remove, hold, release and requeue messages"},
    Command{"sendmail", sendmail_main, "submit a message"},
    Command{"spool", spool_main, "look into the spool: ls, cat, verify, salvage, export"},
    Command{"import-queue", import_queue_main, "take over the queue of a Postfix"},
    Command{"export-queue", export_queue_main, "give the queue back to a Postfix"},
    Command{"sasl-user", sasluser_main, "users for smtpd_sasl_type = waypost"},
};

const Command* find(std::string_view name) {
  for (const auto& command : kCommands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

void print_help() {
  std::string text = "waypost COMMAND [ARGUMENT...], or a link to it with the command's name.\n\n";
  for (const auto& command : kCommands) {
    if (!command.summary.empty()) text += fmt::format("  {:<14} {}\n", command.name, command.summary);
  }
  write_stdout(text);
}

int run(int argc, char** argv) {
  std::string_view name = argc > 0 ? argv[0] : "";
  name.remove_prefix(std::min(name.rfind('/') + 1, name.size()));
  if (const auto* command = find(name)) return command->main(argc, argv);
  if (argc < 2 || std::string_view(argv[1]) == "help" || std::string_view(argv[1]) == "--help") {
    print_help();
    return argc < 2 ? kExitUsage : kExitOk;
  }
  if (const auto* command = find(argv[1])) return command->main(argc - 1, argv + 1);
  return Console("waypost").fatal(fmt::format("unknown command: {}; see waypost help", argv[1]), kExitUsage);
}

}  // namespace
}  // namespace waypost::tools

// jemalloc's settings, where it is linked: memory of a burst goes back to the system within a second, without a thread
// of ours being held up for it.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "background_thread:true,narenas:4,dirty_decay_ms:500,muzzy_decay_ms:0";
}

int main(int argc, char** argv) { return waypost::tools::run(argc, argv); }
