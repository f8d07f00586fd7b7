#include <getopt.h>
#include <unistd.h>

#include <fmt/format.h>

#include "admin/client.h"
#include "base/queue_id.h"
#include "base/text.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"
#include "tools/queue_source.h"

namespace waypost::tools {
namespace {

struct Options {
  enum class Mode : unsigned char { none, list, json, flush, flush_id, flush_site } mode = Mode::none;
  std::string config_directory, argument;
};

bool set_mode(Options& options, Options::Mode mode, const char* argument = "") {
  if (options.mode != Options::Mode::none) return false;
  options.mode = mode;
  options.argument = argument;
  return true;
}

bool parse(int argc, char** argv, Options& options) {
  optind = 1;
  bool ok = true;
  for (int c = 0; ok && (c = ::getopt(argc, argv, "c:fi:jps:v")) != -1;) {
    switch (c) {
      case 'c':
        options.config_directory = optarg;
        break;
      case 'f':
        ok = set_mode(options, Options::Mode::flush);
        break;
      case 'i':
        ok = set_mode(options, Options::Mode::flush_id, optarg);
        break;
      case 'j':
        ok = set_mode(options, Options::Mode::json);
        break;
      case 'p':
        ok = set_mode(options, Options::Mode::list);
        break;
      case 's':
        ok = set_mode(options, Options::Mode::flush_site, optarg);
        break;
      case 'v':
        break;
      default:
        ok = false;
    }
  }
  return ok && optind == argc && options.mode != Options::Mode::none;
}

int flush(const Console& console, const Context& context, const std::string& target) {
  const auto response = admin::call(context.paths.control_socket, "POST", target);
  if (!response) return console.fatal("Cannot flush mail queue - mail system is down", kExitUnavailable);
  if (response->status == 403) return console.fatal(trim(response->body), kExitNoPermission);
  if (response->status >= 300) return console.fatal(trim(response->body), kExitUnavailable);
  return kExitOk;
}

}  // namespace

int postqueue_main(int argc, char** argv) {
  const Console console("postqueue");
  Options options;
  if (!parse(argc, argv, options)) {
    return console.fatal("usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site",
                         kExitUnavailable);
  }
  const auto context = open_context(options.config_directory);
  if (!context) return console.fatal(context.error().text, kExitUnavailable);
  switch (options.mode) {
    case Options::Mode::list:
      return print_queue(console, *context, QueueFormat::mailq);
    case Options::Mode::json:
      return print_queue(console, *context, QueueFormat::json);
    case Options::Mode::flush_id:
      if (!QueueId::parse(options.argument)) {
        return console.fatal(fmt::format("Cannot flush queue ID - invalid name: \"{}\"", options.argument),
                             kExitUnavailable);
      }
      return flush(console, *context, "/v1/queue/flush?id=" + options.argument);
    case Options::Mode::flush_site:
      if (options.argument.empty())
        return console.fatal("Cannot flush mail queue - invalid destination: \"\"", kExitUnavailable);
      return console.fatal(fmt::format("Flush service is not configured for destination \"{}\"", options.argument),
                           kExitUnavailable);
    default:
      return flush(console, *context, "/v1/queue/flush");
  }
}

}  // namespace waypost::tools
