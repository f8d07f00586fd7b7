#include <map>

#include <fmt/format.h>

#include "base/text.h"
#include "config/main_cf.h"
#include "tools/postconf_edit.h"

namespace waypost::tools {

namespace {

struct ParameterEdit {
  std::string value;
  int matches = 0;
};
using ParameterEdits = std::map<std::string, ParameterEdit, std::less<>>;

Result<config::NameValue> parse_edit(const std::string& word, PostconfAction action) {
  if (word.find('\n') != std::string::npos) return fail(Errc::invalid, "-e, -X, or -# accepts no multi-line input");
  const std::string_view text = trim_left(word);
  if (text.starts_with('#')) return fail(Errc::invalid, "-e, -X, or -# accepts no comment input");
  if (action == PostconfAction::edit) return config::split_name_value(text);
  if (text.empty()) return fail(Errc::invalid, "-X or -# requires non-blank parameter names");
  if (text.find('=') != std::string_view::npos)
    return fail(Errc::invalid, "-X or -# requires parameter names without value");
  return config::NameValue{std::string(trim_right(text)), {}};
}

Result<ParameterEdits> parse_edits(const PostconfRequest& request, Warnings& warnings) {
  ParameterEdits edits;
  for (const std::string& word : request.words) {
    auto pair = parse_edit(word, request.action);
    if (!pair) return std::unexpected(pair.error());
    const auto [edit, is_new] = edits.try_emplace(pair->name);
    if (!is_new && request.action == PostconfAction::edit) {
      warnings.push_back(fmt::format("ignoring earlier request: '{} = {}'", pair->name, edit->second.value));
    }
    edit->second.value = std::move(pair->value);
  }
  return edits;
}

// Goes through the file and knows where a setting ends, also one that lost the indentation of its further lines: what
// the reader of main.cf takes as one setting is edited as one.
class MainEditor {
 public:
  MainEditor(const std::string& file, PostconfAction action, ParameterEdits& edits, Warnings& warnings)
      : file_(file), action_(action), edits_(edits), warnings_(warnings) {}

  void block(const Block& block) {
    const std::string logical = block.logical();
    const bool continues =
        !block.has_logical() || (!config::split_name_value(logical) && config::is_open_value(so_far_));
    if (!continues) start(logical);
    bool is_first = !continues;
    for (const std::string_view line : block.lines) {
      if (is_comment_line(line) || edit_ == nullptr) {
        out_ += closed(line);
      } else if (action_ == PostconfAction::comment_out) {
        out_ += '#' + closed(line);
      } else if (action_ == PostconfAction::edit && is_first) {
        out_ += fmt::format("{} = {}\n", name_, edit_->value);
      }
      is_first = false;
      if (!is_comment_line(line)) so_far_ += config::without_comment(name_, trim_right(line));
    }
  }

  // What was not found is appended.
  std::string finish() {
    for (const auto& [name, edit] : edits_) {
      if (action_ == PostconfAction::edit && edit.matches == 0) out_ += fmt::format("{} = {}\n", name, edit.value);
    }
    return std::move(out_);
  }

 private:
  void start(std::string_view logical) {
    name_ = logical.substr(0, logical.find_first_of(" \t\r\n\v\f="));
    so_far_.clear();
    const auto found = edits_.find(name_);
    edit_ = found == edits_.end() ? nullptr : &found->second;
    if (edit_ && ++edit_->matches == 2) {
      warnings_.push_back(fmt::format("{}: multiple entries for \"{}\"", file_, name_));
    }
  }

  const std::string& file_;
  PostconfAction action_;
  ParameterEdits& edits_;
  Warnings& warnings_;
  std::string out_;
  std::string name_;               // of the setting being read
  std::string so_far_;             // its logical line
  ParameterEdit* edit_ = nullptr;  // what was asked for it; null: it stays
};

}  // namespace

Result<std::string> edit_main_cf(std::string_view text, const std::string& file, const PostconfRequest& request,
                                 Warnings& warnings) {
  auto edits = parse_edits(request, warnings);
  if (!edits) return std::unexpected(edits.error());
  MainEditor editor(file, request.action, *edits, warnings);
  for (const Block& block : read_blocks(text)) editor.block(block);
  return editor.finish();
}

}  // namespace waypost::tools
