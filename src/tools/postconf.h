// postconf(1): shows and edits main.cf and master.cf.
#pragma once

namespace waypost::tools {

int postconf_main(int argc, char** argv);

}  // namespace waypost::tools
