// postmap(1) and postalias(1): build lookup tables and alias databases, ask them and change them, with Postfix's
// options, messages and exit status.
#pragma once

#include <string>
#include <vector>

namespace waypost::tools {

int postmap_main(int argc, char** argv);
int postalias_main(int argc, char** argv);

// What newaliases does: builds these alias databases. `config_directory` empty: the usual one.
int build_aliases(const std::string& config_directory, std::vector<std::string> databases);

}  // namespace waypost::tools
