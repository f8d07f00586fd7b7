// Editing main.cf and master.cf in place: comments, order and everything that was not asked for stay as they are.
// A file is replaced by rename(2), so readers see the old one or the new one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/postconf_request.h"
#include "tools/postconf_show.h"

namespace waypost::tools {

// -e, -# and -X with main.cf, -M, -F or -P. Nothing is written when it fails.
Result<> edit_configuration(const std::string& directory, const PostconfRequest& request, Warnings& warnings);

// The texts of both files after the edit; pure. `file` names them in messages. Errors carry Postfix's text.
Result<std::string> edit_main_cf(std::string_view text, const std::string& file, const PostconfRequest& request,
                                 Warnings& warnings);
Result<std::string> edit_master_cf(std::string_view text, const std::string& file, const PostconfRequest& request,
                                   Warnings& warnings);

// For both: the next physical line with its line feed, and whether it is empty or a comment.
std::string_view take_line(std::string_view& text);
bool is_comment_line(std::string_view line);
// The line, closed with a line feed also when it is the last one and had none.
std::string closed(std::string_view line);

}  // namespace waypost::tools
