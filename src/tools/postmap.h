// postmap(1): builds lookup tables, asks them and changes them, with Postfix's options, messages and exit status.
#pragma once

namespace waypost::tools {

int postmap_main(int argc, char** argv);

}  // namespace waypost::tools
