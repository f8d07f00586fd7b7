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
#include "config/reader.h"
#include "daemon/settings.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/file_values.h"
#include "tools/message_keys.h"
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
  explicit Postmap(PostmapOptions options)
      : options_(std::move(options)), console_(std::string(name_of(options_.command))) {}

  int run() {
    if (auto loaded = read_settings(); !loaded) return console_.fatal(loaded.error().text, kExitFailure);
    if (options_.mime && !options_.keys_are_message()) console_.warning("ignoring -m option without -b or -h");
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
      const auto view = (*configuration)->view(nullptr, name_of(options_.command));
      if (const auto type = view.value("default_database_type"); type && !type->empty()) default_type_ = *type;
      const auto utf8 = view.value("smtputf8_enable");
      options_.utf8 = options_.utf8 && utf8 && iequals(*utf8, "yes");
      if (auto name = view.value("myhostname")) options_.master_name = std::move(*name);
      config::Reader reader(view, findings);
      options_.table_settings = daemon::read_tables(*configuration, reader);
      return {};
    }
    options_.utf8 = false;
    for (const auto& table : options_.tables) {
      if (table.find(':') == std::string::npos) return std::unexpected(configuration.error());
    }
    return {};
  }

  TableName table_name(std::string_view table) const {
    const bool is_writing = options_.action == PostmapAction::build || options_.action == PostmapAction::update;
    while (!is_writing && table.starts_with(kProxy) && table != kProxy) table.remove_prefix(kProxy.size());
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
      const auto built = build_table(table_name(table), options_, warnings);
      show(warnings);
      if (!built) return console_.fatal(built.error().text, kExitFailure);
    }
    return kExitOk;
  }

  int update() const {
    const auto text = read_stdin(kMaxInput);
    if (!text) return console_.fatal(text.error().text, kExitFailure);
    for (const auto& table : options_.tables) {
      std::vector<std::string> warnings;
      const auto updated = update_table(table_name(table), options_, *text, warnings);
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
      const auto removed = remove_keys(table_name(table), options_, keys);
      if (!removed) return console_.fatal(removed.error().text, kExitFailure);
      found = found || *removed;
    }
    return found ? kExitOk : kExitFailure;
  }

  Result<QueriedTable> open(std::string_view table) const {
    std::vector<std::string> warnings;
    auto opened = QueriedTable::open(table_name(table), options_, warnings);
    show(warnings);
    return opened;
  }

  void check_value(const QueriedTable& table, std::string_view key, std::string_view value) const {
    if (!value.empty()) return;
    console_.warning(fmt::format("table {}: key {}: empty string result is not allowed", table.name(), key));
    console_.warning(fmt::format("table {} should return NO RESULT in case of NOT FOUND", table.name()));
  }

  // A row as it is printed: postalias puts a colon behind its names.
  std::string line_of(std::string_view key, std::string_view value) const {
    return fmt::format("{}{}\t{}\n", key, options_.command == MapCommand::postalias ? ":" : "", value);
  }

  // The value, after its warnings were shown.
  Result<std::optional<std::string>> ask(const QueriedTable& table, std::string_view key) const {
    std::vector<std::string> warnings;
    auto value = table.find(key, warnings);
    show(warnings);
    if (value && *value) check_value(table, key, **value);
    return value;
  }

  int query() const {
    for (const auto& name : options_.tables) {
      const auto table = open(name);
      if (!table) return console_.fatal(table.error().text, kExitFailure);
      const auto value = ask(*table, options_.key);
      if (!value) return console_.fatal(value.error().text, kExitFailure);
      if (!*value) continue;
      write_stdout(**value + "\n");
      return kExitOk;
    }
    return kExitFailure;
  }

  // The tables in order; one is opened when a key first gets to it.
  class Search {
   public:
    explicit Search(const Postmap& postmap) : postmap_(postmap) {}

    // False after a failure, which was told.
    bool ask(const std::string& key) {
      const auto& names = postmap_.options_.tables;
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (i == opened_.size()) {
          auto table = postmap_.open(names[i]);
          if (!table) return failed(table.error());
          opened_.push_back(std::move(*table));
        }
        const auto value = postmap_.ask(opened_[i], key);
        if (!value) return failed(value.error());
        if (!*value) continue;
        output_ += postmap_.line_of(key, **value);
        found_ = true;
        break;
      }
      return output_.size() < kOutputChunk || flush();
    }
    bool flush() { return write_stdout(std::exchange(output_, {})); }
    bool found() const { return found_; }

   private:
    bool failed(const Error& error) const {
      postmap_.console_.fatal(error.text, kExitFailure);
      return false;
    }

    const Postmap& postmap_;
    std::vector<QueriedTable> opened_;
    std::string output_;
    bool found_ = false;
  };

  // Each line of standard input is a key, or part of a message whose headers and lines are.
  int query_stdin() const {
    Search search(*this);
    bool is_ok = true;
    MessageKeys keys({.headers = options_.header_keys, .body = options_.body_keys, .mime = options_.mime},
                     [&](const std::string& key) { is_ok = is_ok && search.ask(key); });
    bool goes_on = true;
    for (std::string line; is_ok && goes_on && std::getline(std::cin, line);) {
      if (options_.keys_are_message()) {
        goes_on = keys.feed(line);
      } else {
        is_ok = search.ask(line);
      }
    }
    if (is_ok) keys.finish();
    if (!search.flush() || !is_ok) return kExitFailure;
    return search.found() ? kExitOk : kExitFailure;
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
      const auto content =
          options_.values_are_files ? decode_stored_file(value) : Result<std::string>(std::string(value));
      if (!content) {
        return console_.warning(fmt::format("table {}: key {}: {}", table->name(), key, content.error().text));
      }
      output += line_of(key, *content);
      if (output.size() >= kOutputChunk) write_stdout(std::exchange(output, {}));
    });
    if (!done) return console_.fatal(done.error().text, kExitFailure);
    write_stdout(output);
    return kExitOk;
  }

  PostmapOptions options_;
  Console console_;
  std::string default_type_{kDefaultType};
};

int run(MapCommand command, int argc, char** argv) {
  ::umask(kUmask);
  auto options = parse_postmap_options(command, argc, argv);
  if (!options) return Console(std::string(name_of(command))).fatal(options.error().text, kExitFailure);
  return Postmap(std::move(*options)).run();
}

}  // namespace

int postmap_main(int argc, char** argv) { return run(MapCommand::postmap, argc, argv); }
int postalias_main(int argc, char** argv) { return run(MapCommand::postalias, argc, argv); }

int build_aliases(const std::string& config_directory, std::vector<std::string> databases) {
  ::umask(kUmask);
  PostmapOptions options;
  options.command = MapCommand::postalias;
  options.config_directory = config_directory;
  options.tables = std::move(databases);
  return Postmap(std::move(options)).run();
}

}  // namespace waypost::tools
