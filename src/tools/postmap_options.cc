#include "tools/postmap_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace waypost::tools {
namespace {

constexpr auto kUsage = "usage: postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...";

// What is asked for beside the options: at most one of -d, -i, -q and -s.
bool choose(PostmapOptions& options, bool& is_chosen, PostmapAction action, const char* key) {
  if (std::exchange(is_chosen, true)) return false;
  options.action = action;
  if (key != nullptr) options.key = key;
  return true;
}

// An option without a choice; false when it is not one.
bool set_flag(PostmapOptions& options, int letter) {
  switch (letter) {
    case 'N':
      options.nul_bytes = true;
      return true;
    case 'n':
      options.nul_bytes = false;
      return true;
    case 'f':
      options.fold = false;
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
    case 'u':
      options.utf8 = false;
      return true;
    case 'v':
      return true;  // there is nothing more to say
    default:
      return false;
  }
}

}  // namespace

Result<PostmapOptions> parse_postmap_options(int argc, char** argv) {
  PostmapOptions options;
  bool is_chosen = false, wants_content = false;
  char unsupported = '\0';
  static char name[] = "postmap";  // for getopt's own messages
  if (argc > 0) argv[0] = name;
  ::optind = 0;  // starts anew, also in the middle of a word
  for (int letter = 0; (letter = ::getopt(argc, argv, "+bc:d:fFhimnNopq:rsuUvw")) > 0;) {
    if (set_flag(options, letter)) continue;
    bool chosen_once = true;
    switch (letter) {
      case 'c':
        options.config_directory = ::optarg;
        break;
      case 'd':
        chosen_once = choose(options, is_chosen, PostmapAction::remove, ::optarg);
        break;
      case 'i':
        chosen_once = choose(options, is_chosen, PostmapAction::update, nullptr);
        break;
      case 'q':
        chosen_once = choose(options, is_chosen, PostmapAction::query, ::optarg);
        break;
      case 's':
        chosen_once = choose(options, is_chosen, PostmapAction::dump, nullptr);
        break;
      case 'b':
      case 'h':
      case 'm':
        wants_content = true;
        [[fallthrough]];
      case 'F':
      case 'U':
        unsupported = static_cast<char>(letter);
        break;
      default:
        return fail(Errc::invalid, kUsage);
    }
    if (!chosen_once) return fail(Errc::invalid, "specify only one of -s -q or -d");
  }
  if (wants_content && (options.action != PostmapAction::query || options.key != "-")) {
    return fail(Errc::invalid, "specify -b -h or -m only with \"-q -\"");
  }
  if (unsupported != '\0') {
    return fail(Errc::invalid, fmt::format("option -{} is not supported by this version of Waypost", unsupported));
  }
  for (int i = ::optind; i < argc; ++i) options.tables.emplace_back(argv[i]);
  const bool may_be_empty = options.action == PostmapAction::dump;
  if (options.tables.empty() && !may_be_empty) return fail(Errc::invalid, kUsage);
  return options;
}

}  // namespace waypost::tools
