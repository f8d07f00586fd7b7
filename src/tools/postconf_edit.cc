#include "tools/postconf_edit.h"

#include <functional>

#include "base/text.h"
#include "tools/postconf_files.h"

namespace waypost::tools {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end == std::string_view::npos ? end : end + 1);
  text.remove_prefix(line.size());
  return line;
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
