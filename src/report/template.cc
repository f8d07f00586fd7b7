#include "report/template.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::report {

namespace {

constexpr std::size_t kShown = 80;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Header {
  std::string_view name;
  std::string Template::* field;
};

constexpr std::array<Header, 4> kHeaders = {{{"charset", &Template::charset},
                                             {"from", &Template::from},
                                             {"subject", &Template::subject},
                                             {"postmaster-subject", &Template::postmaster_subject}}};

class Parser {
 public:
  explicit Parser(std::string_view file) : rest_(file) {}

  Result<Templates> parse() {
    Templates out;
    while (next_line()) {
      const auto line = trim(line_);
      if (line.empty() || line.starts_with('#')) continue;
      auto taken = take_template(line, out);
      if (!taken) return std::unexpected(std::move(taken.error()));
    }
    return out;
  }

 private:
  bool next_line() {
    if (rest_.empty()) return false;
    const auto end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
    return true;
  }

  std::unexpected<Error> error(std::string_view what) const {
    return fail(Errc::invalid, fmt::format("line {}: {}", number_, what));
  }

  // "name = <<WORD" and what follows up to WORD.
  Result<> take_template(std::string_view line, Templates& out) {
    const auto equals = line.find('=');
    const auto name = trim(line.substr(0, equals));
    const auto value = equals == std::string_view::npos ? std::string_view{} : trim(line.substr(equals + 1));
    const std::string end(trim(value.substr(std::min<std::size_t>(2, value.size()))));
    if (!value.starts_with("<<") || end.empty()) return error("expected: NAME_template = <<WORD");
    Template one;
    if (auto read = read_headers(one, end); !read) return read;
    if (auto read = read_text(one, end); !read) return read;
    if (name == "failure_template") {
      out.failure = std::move(one);
    } else if (name == "delay_template") {
      out.delay = std::move(one);
    } else if (name == "success_template") {
      out.success = std::move(one);
    } else if (name != "verify_template") {
      return error(fmt::format("unknown template name: {}", printable(name, kShown)));
    }
    return {};
  }

  Result<> read_headers(Template& out, std::string_view end) {
    while (next_line() && line_ != end) {
      if (line_.empty()) return {};
      const auto colon = line_.find(':');
      const auto name = trim(line_.substr(0, colon));
      const auto header =
          std::ranges::find_if(kHeaders, [&](const Header& known) { return iequals(known.name, name); });
      if (colon == std::string_view::npos || header == kHeaders.end()) {
        return error(fmt::format("unknown header: {}", printable(line_, kShown)));
      }
      const auto value = trim(line_.substr(colon + 1));
      if (value.empty()) return error(fmt::format("empty header: {}", name));
      if (!is_ascii(value)) return error(fmt::format("non-ASCII text in header: {}", name));
      out.*header->field = value;
    }
    return error("no empty line between headers and text");
  }

  Result<> read_text(Template& out, std::string_view end) {
    while (next_line()) {
      if (line_ == end) return {};
      if (iequals(out.charset, "us-ascii") && !is_ascii(line_)) return error("8-bit text needs a Charset: header");
      out.text.append(line_).append("\n");
    }
    return error(fmt::format("the text has no end: {}", printable(end, kShown)));
  }

  std::string_view rest_, line_;
  std::size_t number_ = 0;
};

}  // namespace

Result<Templates> parse_templates(std::string_view file) {
  if (file.size() > kMaxTemplateFile) return fail(Errc::invalid, "the file is too large");
  return Parser(file).parse();
}

}  // namespace waypost::report
