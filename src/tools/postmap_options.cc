#include "tools/postmap_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace waypost::tools {
namespace {

struct Syntax {
  const char* letters;  // for getopt(3)
  std::string_view flags;
};

Syntax syntax_of(MapCommand command) {
  if (command == MapCommand::postalias) return {"+c:d:finNopq:rsuvw", "Nfinoprsuvw"};
  return {"+bc:d:fFhimnNopq:rsuUvw", "bfFhimnNoprsuUvw"};
}

std::unexpected<Error> usage(MapCommand command) {
  return fail(Errc::invalid, fmt::format("usage: {} [-{}] [-c config_dir] [-d key] [-q key] [map_type:]file...",
                                         name_of(command), syntax_of(command).flags));
}

// What is asked for: at most one of -d, -q and -s (and -i, which says how to build).
class Choice {
 public:
  // False when there was one before.
  bool choose(PostmapOptions& options, PostmapAction action, const char* key) {
    if (std::exchange(is_made_, true)) return false;
    options.action = action;
    if (key != nullptr) options.key = key;
    return true;
  }

 private:
  bool is_made_ = false;
};

// How duplicates and the form of what is stored are handled; false for another letter.
bool set_storage_flag(PostmapOptions& options, int letter) {
  switch (letter) {
    case 'N':
      options.nul_bytes = tables::NulBytes::present;
      return true;
    case 'n':
      options.nul_bytes = tables::NulBytes::absent;
      return true;
    case 'o':
      options.as_owner = false;
      return true;
    case 'p':
      options.copy_mode = false;
      return true;
    case 'r':
      options.duplicates = tables::Duplicates::replace;
      return true;
    case 'w':
      options.duplicates = tables::Duplicates::keep_first;
      return true;
    default:
      return false;
  }
}

// An option that is on or off; false for another letter.
bool set_flag(PostmapOptions& options, int letter) {
  switch (letter) {
    case 'b':
      options.body_keys = true;
      return true;
    case 'h':
      options.header_keys = true;
      return true;
    case 'm':
      options.mime = true;
      return true;
    case 'f':
      options.fold = false;
      return true;
    case 'F':
      options.values_are_files = true;
      return true;
    case 'u':
      options.utf8 = false;
      return true;
    case 'U':
      options.force_utf8 = true;
      return true;
    case 'v':
      return true;  // there is nothing more to say
    default:
      return set_storage_flag(options, letter);
  }
}

}  // namespace

std::string_view name_of(MapCommand command) { return command == MapCommand::postmap ? "postmap" : "postalias"; }

Result<PostmapOptions> parse_postmap_options(MapCommand command, int argc, char** argv) {
  PostmapOptions options;
  options.command = command;
  static char postmap[] = "postmap", postalias[] = "postalias";  // for getopt's own messages
  if (argc > 0) argv[0] = command == MapCommand::postmap ? postmap : postalias;
  Choice choice;
  bool is_update = false;
  ::optind = 0;  // glibc: starts anew, whatever another parse left behind
  for (int letter = 0; (letter = ::getopt(argc, argv, syntax_of(command).letters)) > 0;) {
    bool is_only = true;
    if (letter == 'c') {
      options.config_directory = ::optarg;
    } else if (letter == 'd') {
      is_only = choice.choose(options, PostmapAction::remove, ::optarg);
    } else if (letter == 'q') {
      is_only = choice.choose(options, PostmapAction::query, ::optarg);
    } else if (letter == 's') {
      is_only = choice.choose(options, PostmapAction::dump, nullptr);
    } else if (letter == 'i') {
      is_update = true;
    } else if (!set_flag(options, letter)) {
      return usage(command);
    }
    if (!is_only) {
      return fail(Errc::invalid,
                  letter == 's' ? "specify only one of -s or -q or -d" : "specify only one of -s -q or -d");
    }
  }
  if ((options.keys_are_message() || options.mime) && (options.action != PostmapAction::query || options.key != "-")) {
    return fail(Errc::invalid, "specify -b -h or -m only with \"-q -\"");
  }
  if (is_update && options.action == PostmapAction::build) options.action = PostmapAction::update;
  for (int i = ::optind; i < argc; ++i) options.tables.emplace_back(argv[i]);
  if (options.tables.empty() && options.action != PostmapAction::dump) return usage(command);
  return options;
}

}  // namespace waypost::tools
