// Editing main.cf and master.cf in place: comments, order and everything that was not asked for stay as they are.
// A file is replaced by rename(2), so readers see the old one or the new one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

// For both: one logical line with the comments that stand between its pieces and behind it. The first block of a file
// may hold comments and stray lines alone.
struct Block {
  std::vector<std::string_view> lines;  // physical ones, with their line feeds
  int first_line = 1;

  bool has_logical() const;
  // The pieces one after the other, without comments.
  std::string logical() const;
};
std::vector<Block> read_blocks(std::string_view text);
// Whether a physical line is empty or a comment.
bool is_comment_line(std::string_view line);
// The line, closed with a line feed also when it is the last one and had none.
std::string closed(std::string_view line);

}  // namespace waypost::tools
