// cidr: network patterns in order, the first that holds the address answers; if/endif blocks and '!'.
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "tables/braces.h"
#include "tables/cidr_rules.h"
#include "tables/file_io.h"
#include "tables/file_table.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

Result<Loaded> load(const std::string& path) {
  const auto text = read_whole_file(path);
  if (!text) return fail(text.error().code, fmt::format("open {}: {}", path, text.error().text));
  Loaded loaded;
  loaded.content = std::make_shared<CidrRules>(CidrRules::parse(*text, path, loaded.warnings));
  return loaded;
}

class InlineCidr final : public Table {
 public:
  InlineCidr(std::string name, CidrRules rules) : name_(std::move(name)), rules_(std::move(rules)) {}
  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::whole_only; }
  Lookup find(std::string_view key) const override { return rules_.find(key); }

 private:
  std::string name_;
  CidrRules rules_;
};

// cidr:{{10.0.0.0/8 OK}, {...}}: one rule in each pair of inner braces.
std::shared_ptr<const Table> make_inline_cidr(const TableSource& source) {
  std::string text;
  if (auto rest = strip_braces(source.argument)) {
    while (const auto word = next_word(*rest)) {
      const auto rule = strip_braces(*word);
      if (!rule) {
        return std::make_shared<UnavailableTable>(
            source.name(), fmt::format("bad syntax: \"{}\"; need \"cidr:{{{{rule}}...}}\"", source.name()), source.log);
      }
      text.append(*rule).push_back('\n');
    }
  } else {
    return std::make_shared<UnavailableTable>(
        source.name(), fmt::format("bad syntax: \"{}\"; need \"cidr:{{{{rule}}...}}\"", source.name()), source.log);
  }
  std::vector<std::string> warnings;
  auto rules = CidrRules::parse(text, source.argument, warnings);
  for (const auto& warning : warnings) source.log.warning("{}", warning);
  return std::make_shared<InlineCidr>(source.name(), std::move(rules));
}

}  // namespace

std::shared_ptr<const Table> make_cidr_table(const TableSource& source) {
  if (source.argument.starts_with('{')) return make_inline_cidr(source);
  FileTableSpec spec;
  spec.name = source.name();
  spec.key_style = KeyStyle::whole_only;
  spec.files = {source.argument};
  spec.load = [path = source.argument] { return load(path); };
  return std::make_shared<FileTable>(std::move(spec), source.log, source.clock);
}

}  // namespace waypost::tables
