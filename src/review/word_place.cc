#include "review/word_place.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "config/expand.h"
#include "config/logical_line.h"
#include "config/values.h"

namespace waypost::review {
namespace {

constexpr int kMaxReferenceDepth = 10;

// The physical lines of the entry that begins at `line`, with those that lost their indentation.
std::vector<config::Piece> pieces_of_entry(const std::vector<config::LogicalLine>& lines, int line, bool is_master) {
  std::vector<config::Piece> out;
  for (const auto& logical : lines) {
    if (logical.line() < line) continue;
    if (logical.line() > line) {
      const std::string text = logical.text();
      const bool continues = is_master ? text.starts_with("-o") : !config::split_name_value(text);
      if (!continues) break;
    }
    out.insert(out.end(), logical.pieces.begin(), logical.pieces.end());
  }
  return out;
}

// What a physical line holds of the value of `parameter`. `inside` says, before and after, whether the value goes on.
std::string_view value_part(std::string_view text, std::string_view parameter, bool is_master, bool& inside) {
  std::string_view part = text;
  if (!is_master) {
    if (!inside) part.remove_prefix(std::min(text.find('=') + 1, text.size()));
    inside = true;
  } else {
    const auto at = text.find(parameter);
    const auto equals = at == std::string_view::npos ? at : text.find('=', at);
    if (equals != std::string_view::npos &&
        trim(text.substr(at + parameter.size(), equals - at - parameter.size())).empty()) {
      part = text.substr(equals + 1);
      inside = true;
    } else if (!inside) {
      return {};
    }
    if (const auto next = part.find("-o "); next != std::string_view::npos) {
      part = part.substr(0, next);
      inside = false;
    }
  }
  if (const auto comment = part.find(" #"); comment != std::string_view::npos) part = part.substr(0, comment);
  return part;
}

struct Search {
  const config::Configuration& configuration;
  std::string_view word;
  int left;  // occurrences to pass over

  // The line in the entry at `place`, or 0.
  int find_in(const config::Origin& place, std::string_view parameter, bool is_master) {
    const auto text = config::read_config_file(place.file);
    if (!text) return 0;
    config::Findings ignored;
    const auto lines = config::read_logical_lines(*text, place.file, ignored);
    bool inside = false;
    for (const config::Piece& piece : pieces_of_entry(lines, place.line, is_master)) {
      for (const std::string& item : config::split_list(value_part(piece.text, parameter, is_master, inside))) {
        std::string_view bare = item;
        while (bare.starts_with('{')) bare.remove_prefix(1);
        while (bare.ends_with('}')) bare.remove_suffix(1);
        if (iequals(bare, word) && left-- == 0) return piece.line;
      }
    }
    return 0;
  }

  // The operator's own restriction lists that the value names.
  static std::vector<std::string> classes_in(const config::View& view, std::string_view parameter) {
    auto words = config::split_list(view.value(parameter).value_or(""));
    const auto classes = config::split_list(view.value("smtpd_restriction_classes").value_or(""));
    std::erase_if(words, [&](const std::string& word) { return std::ranges::find(classes, word) == classes.end(); });
    return words;
  }

  config::Origin find(const config::View& view, std::string_view parameter, int depth) {
    const config::Origin origin = view.origin(parameter);
    if (origin.line != 0) {
      const bool is_master = view.service() != nullptr && view.service()->find_override(parameter) != nullptr;
      if (const int line = find_in(origin, parameter, is_master)) return {origin.file, line};
    }
    if (depth >= kMaxReferenceDepth) return {};
    const auto references = config::references(view.raw(parameter).value_or(""));
    for (const std::string& name : references.names) {
      if (auto place = find(view, name, depth + 1); place.line != 0) return place;
    }
    for (const std::string& name : classes_in(view, parameter)) {
      if (auto place = find(view, name, depth + 1); place.line != 0) return place;
    }
    return {};
  }
};

}  // namespace

config::Origin place_of_word(const config::Configuration& configuration, const config::Service* service,
                             std::string_view parameter, std::string_view word, int occurrence) {
  const config::View view = configuration.view(service);
  Search search{configuration, word, occurrence};
  if (auto place = search.find(view, parameter, 0); place.line != 0) return place;
  return view.origin(parameter);
}

}  // namespace waypost::review
