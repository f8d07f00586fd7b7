#include "tools/postconf_layout.h"

#include <array>
#include <cstdint>

#include "base/text.h"

namespace waypost::tools {

namespace {

constexpr std::string_view kIndent = "    ";
constexpr std::size_t kNoLimit = SIZE_MAX;

// A line that grows word by word and folds where it would get too long.
class Line {
 public:
  Line(std::size_t limit, std::size_t used) : limit_(limit), length_(used) {}

  void word(std::string_view text) {
    if (length_ > 0 && !at_line_start_ && length_ + 1 + text.size() > limit_) {
      start_line();
    } else if (length_ > 0 && !at_line_start_) {
      append(" ");
    }
    append(text);
    at_line_start_ = false;
  }
  void start_line() {
    text_ += '\n';
    text_ += kIndent;
    length_ = kIndent.size();
    at_line_start_ = true;
  }
  std::string take() { return std::move(text_); }

 private:
  void append(std::string_view text) {
    text_ += text;
    length_ += text.size();
  }

  std::size_t limit_;
  std::size_t length_;
  bool at_line_start_ = false;
  std::string text_;
};

}  // namespace

std::string layout_words(std::string_view text, bool fold, std::size_t used) {
  Line line(fold ? kParameterLineLimit : kNoLimit, used);
  for (const std::string_view word : split(text, " \t\r\n\v\f")) line.word(word);
  return line.take();
}

std::string layout_pair(std::string_view name, std::string_view value, const PostconfRequest& request) {
  if (request.hide_values) return std::string(name) + "\n";
  if (request.hide_names) return layout_words(value, request.fold) + "\n";
  std::string line = std::string(name) + " =";
  line += layout_words(value, request.fold, line.size());
  return line + "\n";
}

std::string layout_command(const config::Service& service, bool fold, std::size_t used) {
  Line line(fold ? kServiceLineLimit : kNoLimit, used);
  line.word(service.command);
  const std::size_t operands = service.first_operand();
  bool after_setting = false;
  for (std::size_t at = 0; at < service.args.size(); ++at) {
    const std::string_view argument = service.args[at];
    const bool setting = at < operands && argument.ends_with('o');
    if (fold && (setting || after_setting)) line.start_line();
    line.word(argument);
    after_setting = setting;
    if (setting && at + 1 < service.args.size()) line.word(service.args[++at]);
  }
  return line.take();
}

std::string layout_service(const config::Service& service, bool fold) {
  constexpr std::array<std::size_t, 8> kColumns = {0, 11, 17, 25, 33, 41, 49, 57};
  const std::array<std::string_view, 7> fields = {
      service.name,           service.type,           service.columns.is_private,   service.columns.unprivileged,
      service.columns.chroot, service.columns.wakeup, service.columns.process_limit};
  std::string line;
  for (std::size_t column = 0; column < fields.size(); ++column) {
    line += fields[column];
    do line += ' ';
    while (line.size() < kColumns[column + 1]);
  }
  // the blank before the command is there already
  line.pop_back();
  line += layout_command(service, fold, line.size());
  return line + "\n";
}

}  // namespace waypost::tools
