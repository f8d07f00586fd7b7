// waypost spool: looks into the spool without the daemon. It only reads, and takes no lock: while the daemon runs, a
// message may move or go between two reads, and the end of the newest segment may be in the middle of a write.
//
//   waypost spool [-c config_dir | -d spool_dir] ls                one line a message
//                                                cat ID            the message as it was received
//                                                verify            reads every byte, reports damage: exit status 1
//                                                salvage OUTDIR    writes out whatever can still be read
//                                                export ID|ALL OUTDIR   ID.eml and ID.env
#pragma once

namespace waypost::tools {

// Exit status 0: done, nothing wrong; 1: not found, damaged or not readable; 64: usage.
int spool_main(int argc, char** argv);

}  // namespace waypost::tools
