#include "tables/rules_table.h"

#include <fmt/format.h>

#include <utility>

#include "tables/file_io.h"
#include "tables/inline_rules.h"

namespace waypost::tables {
namespace {

class InlineRules final : public Table {
 public:
  InlineRules(std::string name, std::shared_ptr<const Content> rules)
      : name_(std::move(name)), rules_(std::move(rules)) {}
  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::whole_only; }
  Lookup find(std::string_view key) const override { return rules_->find(key); }

 private:
  std::string name_;
  std::shared_ptr<const Content> rules_;
};

std::shared_ptr<const Table> make_inline_rules_table(const TableSource& source, const ParseRules& parse) {
  const auto text = inline_rules(source.type, source.argument);
  if (!text) return std::make_shared<UnavailableTable>(source.name(), text.error().text, source.log);
  std::vector<std::string> warnings;
  auto rules = parse(*text, source.argument, warnings);
  for (const auto& warning : warnings) source.log.warning("{}", warning);
  return std::make_shared<InlineRules>(source.name(), std::move(rules));
}

Result<Loaded> load(const std::string& path, const ParseRules& parse) {
  const auto text = read_whole_file(path);
  if (!text) return fail(text.error().code, fmt::format("open {}: {}", path, text.error().text));
  Loaded loaded;
  loaded.content = parse(*text, path, loaded.warnings);
  return loaded;
}

}  // namespace

std::shared_ptr<const Table> make_rules_table(const TableSource& source, ParseRules parse) {
  if (source.argument.starts_with('{')) return make_inline_rules_table(source, parse);
  FileTableSpec spec;
  spec.name = source.name();
  spec.key_style = KeyStyle::whole_only;
  spec.files = {source.argument};
  spec.load = [path = source.argument, parse = std::move(parse)] { return load(path, parse); };
  return std::make_shared<FileTable>(std::move(spec), source.log, source.clock);
}

}  // namespace waypost::tables
