#include "tools/postconf_edit.h"

#include <functional>

#include "base/text.h"
#include "tools/postconf_files.h"

namespace waypost::tools {

bool Block::has_logical() const {
  return !lines.empty() && !is_comment_line(lines.front()) && !is_space(lines.front().front());
}

std::string Block::logical() const {
  std::string text;
  for (const std::string_view line : lines) {
    if (!is_comment_line(line)) text += line.substr(0, line.find('\n'));
  }
  return text;
}

std::vector<Block> read_blocks(std::string_view text) {
  std::vector<Block> blocks(1);
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(line.size());
    if (!is_comment_line(line) && !is_space(line.front())) blocks.push_back({{}, number});
    blocks.back().lines.push_back(line);
  }
  return blocks;
}

bool is_comment_line(std::string_view line) {
  const std::string_view content = trim(line);
  return content.empty() || content.front() == '#';
}

std::string closed(std::string_view line) {
  std::string text(line);
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

Result<> edit_configuration(const std::string& directory, const PostconfRequest& request, Warnings& warnings) {
  const bool main = request.subject == PostconfSubject::parameters;
  const std::string path = directory + (main ? "/main.cf" : "/master.cf");
  return edit_file(path, [&](std::string_view text) {
    return main ? edit_main_cf(text, path, request, warnings) : edit_master_cf(text, path, request, warnings);
  });
}

}  // namespace waypost::tools
