// `postfix check` and `waypost check`: what is wrong with a configuration. `waypost who-may-relay`: who may send mail
// to where through it. Neither starts or changes anything.
#pragma once

namespace waypost::tools {

// check [-c DIR] [--json] [--strict] [--info] | --explain CODE | --reference
// Exit status: 0 nothing, or only infos and warnings; 1 errors, with --strict also warnings; 64 wrong usage.
int check_main(int argc, char** argv);

// who-may-relay [-c DIR] [--json] [--strict]
// Exit status: 0 closed; 1 anybody may relay (with --strict also whoever forges a sender), or the files do not parse.
int relay_proof_main(int argc, char** argv);

}  // namespace waypost::tools
