// Every command of the program. Each is a main() of its own: arguments in, exit status out; messages go to stderr as
// "NAME: warning: text", as Postfix's commands print them.
#pragma once

namespace waypost::tools {

// sysexits(3), as Postfix's commands use them.
inline constexpr int kExitOk = 0, kExitFailure = 1, kExitUsage = 64, kExitData = 65, kExitUnavailable = 69,
                     kExitTempFail = 75, kExitNoPermission = 77;

int postfix_main(int argc, char** argv);
int master_main(int argc, char** argv);  // the daemon itself
int postlog_main(int argc, char** argv);
int postqueue_main(int argc, char** argv);
int postsuper_main(int argc, char** argv);
int sendmail_main(int argc, char** argv);  // also mailq
int sasluser_main(int argc, char** argv);
int postcat_main(int argc, char** argv);
int import_queue_main(int argc, char** argv);
int export_queue_main(int argc, char** argv);

}  // namespace waypost::tools
