// The command lines of postmap(1) and postalias(1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tables/database_rows.h"
#include "tables/table_settings.h"
#include "tables/text_rows.h"

namespace waypost::tools {

// The two commands differ in the form of their source and in what they print; the rest is one.
enum class MapCommand : std::uint8_t { postmap, postalias };

std::string_view name_of(MapCommand command);

enum class PostmapAction : std::uint8_t { build, update, query, remove, dump };

struct PostmapOptions {
  MapCommand command = MapCommand::postmap;
  PostmapAction action = PostmapAction::build;
  std::string key;  // of -q or -d; "-": keys come from standard input
  tables::Duplicates duplicates = tables::Duplicates::warn;
  bool fold = true;                                           // off with -f
  bool utf8 = true;                                           // off with -u: take text that is not UTF-8
  bool force_utf8 = false;                                    // -U: check it also with -b and -h
  tables::NulBytes nul_bytes = tables::NulBytes::either;      // -N, -n; either: as the type has it
  bool as_owner = true;                                       // off with -o: root does not become the source's owner
  bool copy_mode = true;                                      // off with -p
  bool values_are_files = false;                              // -F: a value names files, whose content is stored
  bool header_keys = false, body_keys = false, mime = false;  // -h, -b, -m: keys are parts of a message
  std::string config_directory;
  std::string master_name;               // what postalias stores as YP_MASTER_NAME: myhostname
  std::vector<std::string> tables;       // "type:name" or "name"
  tables::TableSettings table_settings;  // from main.cf

  bool keys_are_message() const { return header_keys || body_keys; }
};

// Errc::invalid: the text is the fatal message. getopt(3) itself prints what it does not like about an option.
Result<PostmapOptions> parse_postmap_options(MapCommand command, int argc, char** argv);

}  // namespace waypost::tools
