#include "config/main_cf.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "config/logical_line.h"
#include "config/parameter.h"

namespace waypost::config {

const Setting* MainCf::find(std::string_view name) const {
  const auto found = settings_.find(name);
  return found == settings_.end() ? nullptr : &found->second;
}

Result<NameValue> split_name_value(std::string_view text) {
  const std::string_view content = trim_left(text);
  std::size_t end = 0;
  while (end < content.size() && content[end] != '=' && !is_space(content[end])) ++end;
  const std::string_view name = content.substr(0, end);
  if (name.empty()) return fail(Errc::invalid, fmt::format("missing attribute name: \"{}\"", printable(text)));
  const std::string_view rest = trim_left(content.substr(end));
  if (!rest.starts_with('=')) {
    return fail(Errc::invalid, fmt::format("missing '=' after attribute name: \"{}\"", printable(text)));
  }
  return NameValue{std::string(name), std::string(trim(rest.substr(1)))};
}

bool is_restriction_list(std::string_view name) {
  const Parameter* parameter = find_parameter(name);
  return parameter ? parameter->type == Type::restrictions : name.ends_with("_restrictions");
}

bool is_open_value(std::string_view so_far) {
  const std::string_view text = trim_right(so_far);
  return text.ends_with('=') || text.ends_with(',');
}

std::string_view without_comment(std::string_view name, std::string_view piece) {
  if (!is_restriction_list(name)) return piece;
  for (std::size_t at = 1; at < piece.size(); ++at) {
    if (piece[at] == '#' && is_space(piece[at - 1])) return trim_right(piece.substr(0, at));
  }
  return piece;
}

namespace {

class Parser {
 public:
  Parser(const std::string& file, Findings& findings) : file_(file), findings_(findings) {}

  MainCf parse(std::string_view text) {
    for (const LogicalLine& line : read_logical_lines(text, file_, findings_)) take(line);
    flush();
    return std::move(result_);
  }

 private:
  void take(const LogicalLine& line) {
    const auto split = split_name_value(line.text());
    if (split) {
      flush();
      name_ = split->name;
      line_ = line.line();
    } else if (!name_.empty() && is_open_value(text_)) {
      warn(FindingCode::lost_indentation, line.line(),
           fmt::format("\"{}\" is not indented: taken as a continuation of {}",
                       printable(trim(line.pieces.front().text)), name_));
      text_ += ' ';
    } else {
      flush();
      findings_.push_back(make_finding(FindingCode::bad_line, file_, line.line(), split.error().text));
      return;
    }
    for (const Piece& piece : line.pieces) append(piece);
  }

  void append(const Piece& piece) {
    const std::string_view text = without_comment(name_, piece.text);
    if (text.size() < piece.text.size()) {
      warn(FindingCode::comment_in_restrictions, piece.line,
           fmt::format("\"{}\" in {} is taken as a comment; Postfix would read it as restrictions",
                       printable(trim(piece.text.substr(text.size()))), name_));
    }
    text_ += text;
  }

  void flush() {
    if (name_.empty()) return;
    auto split = split_name_value(before_null(text_));
    if (const Setting* old = split ? result_.find(name_) : nullptr; old && old->value != split->value) {
      warn(FindingCode::overridden_entry, line_,
           fmt::format("overriding earlier entry: {}={}", name_, printable(old->value)));
    }
    if (split) result_.set(name_, {std::move(split->value), file_, line_});
    name_.clear();
    text_.clear();
  }

  void warn(FindingCode code, int line, std::string text) {
    findings_.push_back(make_finding(code, file_, line, std::move(text)));
  }

  const std::string& file_;
  Findings& findings_;
  MainCf result_;
  std::string name_;  // of the setting being read; empty: none
  std::string text_;  // its logical line so far
  int line_ = 0;
};

}  // namespace

MainCf parse_main_cf(std::string_view text, const std::string& file, Findings& findings) {
  return Parser(file, findings).parse(text);
}

Result<std::string> read_config_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fail(errno == ENOENT ? Errc::not_found : Errc::io, fmt::format("open {}: {}", path, errno_text(errno)));
  }
  std::string content;
  std::vector<char> buffer(65536);
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = n < 0 ? errno : 0;
      ::close(fd);
      if (error != 0) return fail(Errc::io, fmt::format("read {}: {}", path, errno_text(error)));
      return content;
    }
    content.append(buffer.data(), static_cast<std::size_t>(n));
    if (content.size() > kMaxConfigFileBytes) {
      ::close(fd);
      return fail(Errc::invalid, fmt::format("{} is larger than {} bytes", path, kMaxConfigFileBytes));
    }
  }
}

}  // namespace waypost::config
