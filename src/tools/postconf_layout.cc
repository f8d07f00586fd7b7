#include "tools/postconf_layout.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kIndent = "    ";

// A line that grows word by word and folds where it would get too long.
class Line {
 public:
  explicit Line(bool fold) : fold_(fold) {}

  void append(std::string_view text) {
    text_ += text;
    length_ += text.size();
    fresh_ = false;
  }
  // After a blank, or on a new line when there is no room for `size` characters.
  void word(std::string_view text, std::size_t size) {
    if (fold_ && !fresh_ && length_ + 1 + size >= kLineLimit) start_line();
    if (!fresh_) append(" ");
    append(text);
  }
  void start_line() {
    text_ += '\n';
    text_ += kIndent;
    length_ = kIndent.size();
    fresh_ = true;
  }
  // The next word starts a new line when lines are folded at all.
  void fill() { length_ = kLineLimit; }
  std::size_t length() const { return length_; }
  std::string take() { return std::move(text_) + "\n"; }

 private:
  bool fold_;
  bool fresh_ = true;  // nothing but the indentation stands in this line
  std::size_t length_ = 0;
  std::string text_;
};

std::string layout_words(std::string_view text, bool fold) {
  Line line(fold);
  // the longest line of a parameter is one longer than that of a service: so it is in Postfix
  for (const std::string_view word : split(text, kBlanks)) line.word(word, word.size() - 1);
  return line.take();
}

std::string grouped(std::string_view argument) {
  const bool has_blanks = argument.find_first_of(kBlanks) != std::string_view::npos;
  return has_blanks ? fmt::format("{{{}}}", argument) : std::string(argument);
}

void add_arguments(const config::Service& service, Line& line) {
  const std::size_t operands = service.first_operand();
  for (std::size_t at = 0; at < service.args.size(); ++at) {
    const std::string& argument = service.args[at];
    if (at >= operands) {
      line.word(grouped(argument), argument.size());
    } else if (config::takes_value(argument) && at + 1 < service.args.size()) {
      line.fill();
      line.word(argument, argument.size());
      line.append(" " + grouped(service.args[++at]));
      line.fill();
    } else {
      line.word(argument, argument.size());
    }
  }
}

}  // namespace

const std::array<std::string_view, kServiceFieldCount> kServiceFields = {
    "service", "type", "private", "unprivileged", "chroot", "wakeup", "process_limit", "command"};

std::string_view service_field(const config::Service& service, std::size_t field) {
  const config::ServiceColumns& columns = service.columns;
  const std::array<std::string_view, kServiceFieldCount> values = {
      service.name,   service.type,   columns.is_private,    columns.unprivileged,
      columns.chroot, columns.wakeup, columns.process_limit, service.command};
  return values[field];
}

std::string layout_pair(std::string_view name, std::string_view value, const PostconfRequest& request) {
  if (request.hide_values) return layout_words(name, request.fold);
  if (request.hide_names) return layout_words(value, request.fold);
  return layout_words(fmt::format("{} = {}", name, value), request.fold);
}

std::string layout_service(const config::Service& service, bool fold) {
  constexpr std::array<std::size_t, kServiceFieldCount> kColumns = {0, 11, 17, 25, 33, 41, 49, 57};
  Line line(fold);
  for (std::size_t field = 0; field < kServiceFieldCount; ++field) {
    while (field > 0 && line.length() < kColumns[field] - 1) line.append(" ");
    if (field > 0) line.append(" ");
    line.append(service_field(service, field));
  }
  add_arguments(service, line);
  return line.take();
}

std::string layout_field(const config::Service& service, std::size_t field, const PostconfRequest& request) {
  Line line(request.fold);
  if (!request.hide_names) line.append(fmt::format("{}/{}/{}", service.name, service.type, kServiceFields[field]));
  if (request.hide_values) return line.take();
  if (!request.hide_names) line.append(" = ");
  const std::string_view value = service_field(service, field);
  // folded whether asked for or not: so it is in Postfix
  if (line.length() > 0 && line.length() + value.size() > kLineLimit) line.start_line();
  line.append(value);
  if (field == kCommandField) add_arguments(service, line);
  return line.take();
}

}  // namespace waypost::tools
