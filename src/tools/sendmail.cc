#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>

#include "admin/client.h"
#include "base/queue_id.h"
#include "base/text.h"
#include "daemon/user_list.h"
#include "intake/drop_file.h"
#include "tables/registry.h"
#include "tables/run_immediate.h"
#include "tables/table_list.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/postmap.h"
#include "tools/queue_source.h"
#include "tools/sendmail_message.h"
#include "tools/sendmail_options.h"
#include "tools/sendmail_smtp.h"

namespace waypost::tools {
namespace {

// The user's login name and full name, as sendmail puts them on a message that names no sender.
struct User {
  std::string name, full_name;
};

User current_user() {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return {fmt::format("{}", ::getuid()), ""};
  const std::string_view gecos = found->pw_gecos == nullptr ? "" : found->pw_gecos;
  User user{found->pw_name, std::string(gecos.substr(0, gecos.find(',')))};
  if (const auto ampersand = user.full_name.find('&'); ampersand != std::string::npos) {
    std::string name = user.name;  // "&" in gecos stands for the capitalised login name
    name[0] = ascii_upper(name[0]);
    user.full_name.replace(ampersand, 1, name);
  }
  return user;
}

// authorized_submit_users: the exit status for a caller who is not among them, or about whom it cannot be asked. pickup
// asks again, for those who go round this.
std::optional<int> refuse_submitter(const Console& console, const Context& context) {
  SystemClock clock;
  NullLog nowhere;
  tables::TableRegistry registry(Log(nowhere, "sendmail", 0), clock);
  const daemon::UserList users("authorized_submit_users", context.authorized_submit_users, registry);
  const auto refused = tables::run_immediate(users.refused(::getuid()));
  if (!refused) return console.fatal(refused.error().text, kExitTempFail);
  if (!*refused) return std::nullopt;
  return console.fatal(fmt::format("User {}({}) is not allowed to submit mail", **refused, ::getuid()), kExitTempFail);
}

int submit(const Console& console, const Context& context, SendmailOptions options) {
  if (const auto status = refuse_submitter(console, context)) return *status;
  const auto limit = context.message_size_limit == 0 ? std::size_t{1} << 31 : context.message_size_limit;
  const auto input = read_stdin(limit);
  if (!input && input.error().code == Errc::invalid) {
    return console.fatal(fmt::format("<stdin>: message size exceeds the limit of {} bytes (message_size_limit)", limit),
                         kExitTempFail);
  }
  if (!input) return console.fatal(input.error().text, kExitTempFail);
  options.drop.content = options.dot_ends_input ? until_dot_line(*input) : std::string_view(*input);
  if (options.recipients_from_headers) {
    for (auto& address : header_recipients(options.drop.content)) options.drop.recipients.push_back(std::move(address));
    if (options.drop.recipients.empty())
      return console.fatal("No recipient addresses found in message header", kExitTempFail);
  }
  if (options.drop.recipients.empty())
    return console.fatal("Recipient addresses must be specified on the command line or via the -t option",
                         kExitTempFail);
  const auto user = current_user();
  if (!options.sender_given) options.drop.sender = user.name;
  if (options.drop.full_name.empty()) {
    const char* name = ::getenv("NAME");
    options.drop.full_name = name != nullptr ? printable(name, 200) : user.full_name;
  }
  if (auto written = intake::write_drop(context.paths.drop, options.drop); !written)
    return console.fatal(written.error().text, kExitTempFail);
  return kExitOk;
}

int flush(const Console& console, const Context& context, const SendmailOptions& options) {
  if (!options.flush_site.empty()) {
    return console.fatal(
        fmt::format("Flush service is not configured for destination \"{}\"", printable(options.flush_site, 200)),
        kExitUnavailable);
  }
  std::string target = "/v1/queue/flush";
  if (!options.flush_queue_id.empty()) {
    if (!QueueId::parse(options.flush_queue_id))
      return console.fatal("Cannot flush queue ID - invalid name", kExitTempFail);
    target += "?id=" + options.flush_queue_id;
  }
  const auto response = admin::call(context.paths.control_socket, "POST", target);
  if (response && response->status == 403) return console.fatal(trim(response->body), kExitNoPermission);
  if (!response || response->status >= 300)
    return console.fatal("Cannot flush mail queue - mail system is down", kExitTempFail);
  return kExitOk;
}

int rebuild_aliases(const Console& console, const Context& context, const SendmailOptions& options) {
  if (!options.drop.recipients.empty()) {
    return console.fatal("alias initialization mode requires no recipient", kExitTempFail);
  }
  if (!options.alias_database.empty()) return build_aliases(options.config_directory, {options.alias_database});
  const auto databases = context.configuration->view(nullptr, "sendmail").value("alias_database");
  if (!databases) return console.fatal(databases.error().text, kExitFailure);
  std::vector<std::string> names;
  for (const auto name : tables::split_list(*databases)) names.emplace_back(name);
  return names.empty() ? kExitOk : build_aliases(options.config_directory, std::move(names));
}

}  // namespace

int sendmail_main(int argc, char** argv) {
  const std::string_view program(argv[0]);
  const bool as_mailq = program.ends_with("mailq"), as_newaliases = program.ends_with("newaliases");
  const Console console(as_mailq ? "mailq" : as_newaliases ? "newaliases" : "sendmail");
  ::signal(SIGPIPE, SIG_IGN);
  auto options = parse_sendmail_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options) return console.fatal(options.error().text, kExitTempFail);
  for (const auto& warning : options->warnings) console.warning(warning);
  if (as_mailq && options->mode == SendmailMode::submit) options->mode = SendmailMode::mailq;
  if (as_newaliases && options->mode == SendmailMode::submit) options->mode = SendmailMode::newaliases;
  const auto context = open_context(options->config_directory);
  if (!context) return console.fatal(context.error().text, kExitTempFail);
  switch (options->mode) {
    case SendmailMode::submit:
      return submit(console, *context, std::move(*options));
    case SendmailMode::mailq:
      return print_queue(console, *context, QueueFormat::mailq);
    case SendmailMode::flush:
      return flush(console, *context, *options);
    case SendmailMode::newaliases:
      return rebuild_aliases(console, *context, *options);
    case SendmailMode::daemon:
      return console.fatal("to start the mail system use: postfix start", kExitTempFail);
    case SendmailMode::smtp_stdin:
      if (const auto status = refuse_submitter(console, *context)) return *status;
      return serve_smtp_on_stdin(console, *context);
    case SendmailMode::probe:
      return console.fatal("address probes (-bv) are not supported yet", kExitTempFail);
  }
  return kExitTempFail;
}

}  // namespace waypost::tools
