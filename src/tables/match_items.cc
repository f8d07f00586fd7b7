#include "tables/match_items.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "tables/braces.h"
#include "tables/file_io.h"
#include "tables/source_file.h"

namespace waypost::tables {
namespace {

constexpr std::string_view kIpv4Chars = "0123456789.";
constexpr std::string_view kNetworkChars = "0123456789.abcdefABCDEF:[]/";

bool consists_of(std::string_view text, std::string_view chars) {
  return text.find_first_not_of(chars) == std::string_view::npos;
}

// "type:name"; "[2001:db8::1]" is an address.
bool is_table(std::string_view item) { return !item.starts_with('[') && item.find(':') != std::string_view::npos; }

// Worth a look as a network. What is not (names, plain IPv4 addresses, which match as text) must not be reported as a
// bad network.
bool may_be_network(std::string_view item) {
  return item.find_first_of(":/") != std::string_view::npos && !consists_of(item, kIpv4Chars) &&
         consists_of(item, kNetworkChars);
}

}  // namespace

class MatchItems::Parser {
 public:
  // `depth`: how many files the text stands in.
  Parser(std::shared_ptr<const MatchSource> source, int depth)
      : source_(std::move(source)), depth_(depth), out_(std::make_shared<MatchItems>()) {}

  void add_items(std::string_view text) {
    while (const auto word = next_word(text)) {
      std::string_view item = *word;
      bool match = true;
      for (; item.starts_with('!'); item.remove_prefix(1)) match = !match;
      if (out_->items_.size() >= kMaxItems) return add_broken(item, match, {"too many items"});
      if (item.empty()) {
        add_broken(item, match, {"no pattern after '!'"});
      } else if (item.starts_with('/')) {
        add_file(item, match);
      } else if (is_table(item)) {
        const auto& open = depth_ == 0 ? source_->open : source_->open_in_file;
        out_->items_.push_back({match, std::string(item), open(item)});
      } else {
        add_pattern(item, match);
      }
    }
  }

  // Each logical line of a file on its own.
  void add_lines(std::string_view text, std::string_view path) {
    LogicalLines lines(text, path, out_->own_problems_);
    LogicalLine line;
    while (lines.next(line)) add_items(line.text);
  }

  std::shared_ptr<const MatchItems> take() { return std::move(out_); }

 private:
  void add_file(std::string_view path, bool match) {
    if (depth_ == kMaxFileDepth || source_->open_files >= kMaxFiles) {
      return add_broken(path, match, {fmt::format("open file {}: too many nested files", path)});
    }
    out_->items_.push_back(
        {match, std::string(path), std::make_shared<const ListFile>(std::string(path), source_, depth_ + 1)});
  }

  void add_pattern(std::string_view text, bool match) {
    MatchItem item{match, to_lower(text), std::monostate()};
    if (may_be_network(item.text)) {
      auto cidr = parse_cidr(item.text);
      if (!cidr) return add_broken(item.text, match, {cidr.error().text, true});
      item.what = *cidr;
    }
    out_->items_.push_back(std::move(item));
  }

  void add_broken(std::string_view text, bool match, BrokenItem broken) {
    out_->own_problems_.push_back(fmt::format("{}: {}", source_->parameter, broken.reason));
    out_->items_.push_back({match, std::string(text), std::move(broken)});
  }

  std::shared_ptr<const MatchSource> source_;
  int depth_;
  std::shared_ptr<MatchItems> out_;
};

std::shared_ptr<const MatchItems> MatchItems::parse(std::string_view text, std::shared_ptr<const MatchSource> source) {
  Parser parser(std::move(source), 0);
  parser.add_items(text);
  return parser.take();
}

std::vector<std::string> MatchItems::problems() const {
  std::vector<std::string> found = own_problems_;
  for (const MatchItem& item : items_) {
    const auto* file = std::get_if<std::shared_ptr<const ListFile>>(&item.what);
    if (file == nullptr) continue;
    const auto inner = (*file)->items();
    const auto more = inner ? inner->problems() : std::vector{(*file)->problem()};
    found.insert(found.end(), more.begin(), more.end());
  }
  return found;
}

ListFile::ListFile(std::string path, std::shared_ptr<const MatchSource> source, int depth)
    : source_((++source->open_files, source)),
      files_({.name = fmt::format("{}: {}", source->parameter, path),
              .files = source->follows_files ? std::vector{path} : std::vector<std::string>{},
              .load = [source, path, depth]() -> Result<Loaded> {
                const auto text = read_whole_file(path);
                if (!text) return fail(text.error().code, fmt::format("open file {}: {}", path, text.error().text));
                MatchItems::Parser parser(source, depth);
                parser.add_lines(*text, path);
                Loaded loaded;
                auto items = parser.take();
                loaded.warnings = items->own_problems_;
                loaded.content = std::move(items);
                return loaded;
              }},
             source->log, source->clock) {}

std::shared_ptr<const MatchItems> ListFile::items() const {
  return std::static_pointer_cast<const MatchItems>(files_.current());
}

std::string ListFile::problem() const { return fmt::format("{}: {}", source_->parameter, files_.problem()); }

}  // namespace waypost::tables
