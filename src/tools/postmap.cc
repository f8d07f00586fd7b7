#include "tools/postmap.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "config/load.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/postmap_build.h"
#include "tools/postmap_options.h"
#include "tools/postmap_query.h"

namespace waypost::tools {
namespace {

constexpr mode_t kUmask = 022;
constexpr std::string_view kDefaultType = "hash";
constexpr std::string_view kProxy = "proxy:";
constexpr std::size_t kMaxInput = std::size_t{1} << 30;
constexpr std::size_t kOutputChunk = 65536;

class Postmap {
 public:
  explicit Postmap(PostmapOptions options) : options_(std::move(options)) {}

  int run() {
    if (auto loaded = read_settings(); !loaded) return console_.fatal(loaded.error().text, kExitFailure);
    switch (options_.action) {
      case PostmapAction::build:
        return build();
      case PostmapAction::update:
        return update();
      case PostmapAction::remove:
        return remove();
      case PostmapAction::query:
        return options_.key == "-" ? query_stdin() : query();
      case PostmapAction::dump:
        return dump();
    }
    return kExitFailure;
  }

 private:
  // What main.cf has to say: the type of a table without one, and whether text must be UTF-8. A command that needs
  // neither works without main.cf.
  Result<> read_settings() {
    config::Findings findings;
    const auto configuration = config::load(config::config_directory(options_.config_directory), findings,
                                            {.overrides = {}, .read_master = false});
    if (configuration) {
      const auto view = (*configuration)->view(nullptr, "postmap");
      if (const auto type = view.value("default_database_type"); type && !type->empty()) default_type_ = *type;
      const auto utf8 = view.value("smtputf8_enable");
      options_.utf8 = options_.utf8 && utf8 && iequals(*utf8, "yes");
      return {};
    }
    options_.utf8 = false;
    for (const auto& table : options_.tables) {
      if (table.find(':') == std::string::npos) return std::unexpected(configuration.error());
    }
    return {};
  }

  TableName name_of(std::string_view table) const {
    const bool is_writing = options_.action == PostmapAction::build || options_.action == PostmapAction::update;
    while (!is_writing && table.starts_with(kProxy)) table.remove_prefix(kProxy.size());
    const auto colon = table.find(':');
    if (colon == std::string_view::npos) return {default_type_, std::string(table)};
    return {std::string(table.substr(0, colon)), std::string(table.substr(colon + 1))};
  }

  void show(const std::vector<std::string>& warnings) const {
    for (const auto& warning : warnings) console_.warning(warning);
  }

  int build() const {
    for (const auto& table : options_.tables) {
      std::vector<std::string> warnings;
      const auto built = build_table(name_of(table), options_, warnings);
      show(warnings);
      if (!built) return console_.fatal(built.error().text, kExitFailure);
    }
    return kExitOk;
  }

  int update() const {
    const std::string text = read_stdin(kMaxInput);
    for (const auto& table : options_.tables) {
      std::vector<std::string> warnings;
      const auto updated = update_table(name_of(table), options_, text, warnings);
      show(warnings);
      if (!updated) return console_.fatal(updated.error().text, kExitFailure);
    }
    return kExitOk;
  }

  int remove() const {
    std::vector<std::string> keys{options_.key};
    if (options_.key == "-") {
      keys.clear();
      for (std::string line; std::getline(std::cin, line);) keys.push_back(line);
    }
    bool found = false;
    for (const auto& table : options_.tables) {
      const auto removed = remove_keys(name_of(table), options_, keys);
      if (!removed) return console_.fatal(removed.error().text, kExitFailure);
      found = found || *removed;
    }
    return found ? kExitOk : kExitFailure;
  }

  Result<QueriedTable> open(std::string_view table) const {
    std::vector<std::string> warnings;
    auto opened = QueriedTable::open(name_of(table), options_, warnings);
    show(warnings);
    return opened;
  }

  void check_value(const QueriedTable& table, std::string_view key, std::string_view value) const {
    if (!value.empty()) return;
    console_.warning(fmt::format("table {}: key {}: empty string result is not allowed", table.name(), key));
    console_.warning(fmt::format("table {} should return NO RESULT in case of NOT FOUND", table.name()));
  }

  int query() const {
    for (const auto& name : options_.tables) {
      const auto table = open(name);
      if (!table) return console_.fatal(table.error().text, kExitFailure);
      const auto value = table->find(options_.key);
      if (!value) return console_.fatal(fmt::format("table {}: query error", table->name()), kExitFailure);
      if (!*value) continue;
      check_value(*table, options_.key, **value);
      write_stdout(**value + "\n");
      return kExitOk;
    }
    return kExitFailure;
  }

  // Each line of standard input is a key; a table is opened when a key first gets to it.
  int query_stdin() const {
    std::vector<QueriedTable> opened;
    std::string output;
    bool found = false;
    for (std::string key; std::getline(std::cin, key);) {
      for (std::size_t i = 0; i < options_.tables.size(); ++i) {
        if (i == opened.size()) {
          auto table = open(options_.tables[i]);
          if (!table) return console_.fatal(table.error().text, kExitFailure);
          opened.push_back(std::move(*table));
        }
        const auto value = opened[i].find(key);
        if (!value) return console_.fatal(fmt::format("table {}: query error", opened[i].name()), kExitFailure);
        if (!*value) continue;
        check_value(opened[i], key, **value);
        output += fmt::format("{}\t{}\n", key, **value);
        found = true;
        break;
      }
      if (output.size() >= kOutputChunk && !write_stdout(std::exchange(output, {}))) return kExitFailure;
    }
    write_stdout(output);
    return found ? kExitOk : kExitFailure;
  }

  // The first table only, as Postfix does.
  int dump() const {
    if (options_.tables.empty()) return kExitFailure;
    const auto table = open(options_.tables.front());
    if (!table) return console_.fatal(table.error().text, kExitFailure);
    std::string output;
    const auto done = table->for_each([&](std::string_view key, std::string_view value) {
      if (key.empty()) {
        console_.warning(fmt::format("table {}: empty lookup key value is not allowed", table->name()));
      } else {
        check_value(*table, key, value);
      }
      output += fmt::format("{}\t{}\n", key, value);
      if (output.size() >= kOutputChunk) write_stdout(std::exchange(output, {}));
    });
    if (!done) return console_.fatal(done.error().text, kExitFailure);
    write_stdout(output);
    return kExitOk;
  }

  PostmapOptions options_;
  Console console_{"postmap"};
  std::string default_type_{kDefaultType};
};

}  // namespace

int postmap_main(int argc, char** argv) {
  ::umask(kUmask);
  auto options = parse_postmap_options(argc, argv);
  if (!options) return Console("postmap").fatal(options.error().text, kExitFailure);
  return Postmap(std::move(*options)).run();
}

}  // namespace waypost::tools
