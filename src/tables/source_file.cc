#include "tables/source_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace waypost::tables {
namespace {

constexpr std::size_t kMaxQuotedText = 30;

// The end of the key: the first blank outside double quotes. Sets `open_quote` when a quote stays open.
std::size_t key_end(std::string_view line, bool& open_quote) {
  open_quote = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      open_quote = !open_quote;
    } else if (is_space(line[i]) && !open_quote) {
      return i;
    }
  }
  return line.size();
}

// Bytes that a UTF-8 sequence with this first byte has; 0: none starts so.
std::size_t sequence_length(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xf0 && first < 0xf5) return 4;
  return 0;
}

// The second byte rules out overlong forms, surrogates and code points above U+10FFFF (RFC 3629 §4).
bool second_byte_fits(unsigned char first, unsigned char second) {
  if (first == 0xe0) return second >= 0xa0;
  if (first == 0xed) return second < 0xa0;
  if (first == 0xf0) return second >= 0x90;
  if (first == 0xf4) return second < 0x90;
  return true;
}

}  // namespace

bool LogicalLines::take_physical(Physical& line) {
  if (rest_.empty()) return false;
  const auto end = rest_.find('\n');
  line.text = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  ++number_;
  const auto first = std::ranges::find_if_not(line.text, is_space);
  line.blank = first == line.text.end() || *first == '#';
  return true;
}

// Whether the line that comes next may belong to the one before: it starts with a blank, or is a comment or empty
// (which does not end a logical line).
bool LogicalLines::continues() const { return !rest_.empty() && (rest_.front() == '#' || is_space(rest_.front())); }

bool LogicalLines::collect(LogicalLine& line) {
  Physical physical;
  do {
    if (!take_physical(physical)) return false;
  } while (physical.blank);
  line = {physical.text, number_};
  bool is_joined = false;
  while (continues() && take_physical(physical)) {
    if (physical.blank) continue;
    if (!is_joined) joined_ = line.text;
    is_joined = true;
    joined_ += physical.text;
    line.text = joined_;
  }
  return true;
}

bool LogicalLines::next(LogicalLine& line) {
  while (collect(line)) {
    if (line.text.find('\0') != std::string_view::npos) {
      warnings_.push_back(fmt::format("{}, line {}: text after null byte may be ignored", path_, line.number));
      line.text = line.text.substr(0, line.text.find('\0'));
      if (line.text.empty()) continue;
    }
    if (!is_space(line.text.front())) return true;
    warnings_.push_back(fmt::format("{}: logical line must not start with whitespace: \"{}{}\"", path_,
                                    line.text.substr(0, kMaxQuotedText),
                                    line.text.size() > kMaxQuotedText ? "..." : ""));
  }
  return false;
}

void for_each_row(std::string_view content, std::string_view path, const RowOptions& options,
                  std::vector<std::string>& warnings, const std::function<bool(const Row&)>& on_row) {
  LogicalLines lines(content, path, warnings);
  LogicalLine line;
  while (lines.next(line)) {
    const auto skip = [&](std::string_view why) {
      warnings.push_back(fmt::format("{}, line {}: {}", path, line.number, why));
    };
    if (options.utf8 && !is_utf8(line.text)) {
      skip(fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", printable(line.text)));
      continue;
    }
    bool open_quote = false;
    const auto end = key_end(line.text, open_quote);
    if (open_quote) {
      skip(fmt::format("unbalanced '\"' in '{}' -- ignoring this line", line.text));
      continue;
    }
    const Row row{line.text.substr(0, end), trim(line.text.substr(end)), line.number};
    if (row.key.empty() || row.value.empty()) {
      skip(fmt::format("expected format: key whitespace value{}", options.ignored));
      continue;
    }
    if (row.key.back() == ':') skip("record is in \"key: value\" format; is this an alias file?");
    if (!on_row(row)) return;
  }
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t length = sequence_length(first);
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    if (length > 1 && !second_byte_fits(first, static_cast<unsigned char>(text[i + 1]))) return false;
    i += length;
  }
  return true;
}

}  // namespace waypost::tables
