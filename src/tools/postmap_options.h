// The command line of postmap(1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tables/text_rows.h"

namespace waypost::tools {

enum class PostmapAction : std::uint8_t { build, update, query, remove, dump };

struct PostmapOptions {
  PostmapAction action = PostmapAction::build;
  std::string key;  // of -q or -d; "-": keys come from standard input
  tables::Duplicates duplicates = tables::Duplicates::warn;
  bool fold = true;       // off with -f
  bool utf8 = true;       // off with -u: take text that is not UTF-8
  bool nul_bytes = true;  // off with -n: keys and values without a NUL byte behind them
  bool as_owner = true;   // off with -o: root does not become the source file's owner
  bool copy_mode = true;  // off with -p
  std::string config_directory;
  std::vector<std::string> tables;  // "type:name" or "name"
};

// Errc::invalid: the text is the fatal message. getopt(3) itself prints what it does not like about an option.
Result<PostmapOptions> parse_postmap_options(int argc, char** argv);

}  // namespace waypost::tools
