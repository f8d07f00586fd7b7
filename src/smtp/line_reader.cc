#include "smtp/line_reader.h"

#include <algorithm>

#include "base/assert.h"

namespace waypost::smtp {
namespace {

// `kept`: the line without LF, or its beginning; `length`: of the whole line without LF.
Line make_line(std::string_view kept, std::size_t length, std::size_t limit) {
  Line line{kept};
  line.bare_newline = !kept.ends_with('\r');
  if (!line.bare_newline) line.text.remove_suffix(1);
  if (length > limit || line.text.size() >= limit) line.status = Line::Status::too_long;
  if (length > 2 * limit) line.status = Line::Status::endless;
  line.text = line.text.substr(0, limit);
  return line;
}

}  // namespace

std::optional<Line> LineReader::next(std::string_view& in, std::size_t limit) {
  WAYPOST_ASSERT(limit >= 2);
  if (given_) clear();
  if (in.empty()) return std::nullopt;
  const auto newline = in.find('\n');
  const bool complete = newline != std::string_view::npos;
  const auto part = in.substr(0, newline);
  in.remove_prefix(complete ? newline + 1 : in.size());
  if (complete && length_ == 0) return make_line(part, part.size(), limit);
  if (partial_.size() <= limit) partial_.append(part.substr(0, limit + 1 - partial_.size()));
  length_ += part.size();
  if (!complete && length_ <= 2 * limit) return std::nullopt;
  given_ = true;
  return make_line(partial_, length_, limit);
}

void LineReader::clear() {
  partial_ = {};
  length_ = 0;
  given_ = false;
}

}  // namespace waypost::smtp
