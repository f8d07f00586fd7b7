#include "tools/queue_file_print.h"

#include <cstdlib>
#include <ctime>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::tools {
namespace {

using postfix_queue::ByteSource;
using postfix_queue::Record;
using postfix_queue::RecordReader;
using postfix_queue::RecordType;

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::string_view kEnvelopeTypes = "MCTcFILSDRO/WVA>K<ionp";

// A field name and a colon, blanks allowed between them.
bool is_header(std::string_view line) {
  std::size_t name = 0;
  while (name < line.size() && line[name] > ' ' && line[name] < 127 && line[name] != ':') ++name;
  const auto colon = line.find_first_not_of(" \t", name);
  return name > 0 && colon != std::string_view::npos && line[colon] == ':';
}

bool begins_with_blank(std::string_view line) { return !line.empty() && (line[0] == ' ' || line[0] == '\t'); }

// As asctime(3), local time; a number with something behind it counts up to there.
std::string time_text(std::string_view number) {
  const std::time_t seconds = std::strtoll(std::string(number).c_str(), nullptr, 10);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  const auto size = std::strftime(text, sizeof text, "%a %b %e %H:%M:%S %Y", &parts);
  return {text, size};
}

class Printer {
 public:
  Printer(const ByteSource& source, const std::string& path, PrintOptions options, const Console& console)
      : source_(source), records_(source, options.start), path_(path), options_(options), console_(console) {
    if (!options_.envelope && !options_.header && !options_.body)
      options_.envelope = options_.header = options_.body = true;
  }

  Result<> run();

 private:
  enum class Section : std::uint8_t { envelope, header, body };
  enum class Next : std::uint8_t { print, skip, stop };

  Next enter(const Record& record);
  Next enter_text(const Record& record);
  Next enter_content(const Record& record);
  Next enter_extracted(const Record& record);
  Next enter_end(const Record& record);
  Result<Next> enter_pointer(const Record& record);
  void take_sizes(const Record& record);
  void print(const Record& record);
  void print_text(const Record& record);
  void print_attribute(const Record& record);
  void prefix(const Record& record);
  void marker(const Record& record, std::string_view text);
  void put(std::string_view text);
  bool wants_text() const { return options_.header || options_.body; }

  const ByteSource& source_;
  RecordReader records_;
  const std::string& path_;
  PrintOptions options_;
  const Console& console_;
  Section section_ = Section::envelope;
  bool printing_ = true;
  bool within_line_ = false;  // the last record printed did not end its line
  std::optional<std::uint64_t> content_at_, content_end_;
  std::string buffer_;
};

void Printer::put(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) {
    write_stdout(buffer_);
    buffer_.clear();
  }
}

void Printer::prefix(const Record& record) {
  if (options_.path) put(path_ + ": ");
  if (options_.offsets) put(fmt::format("{:9} ", record.offset));
  if (options_.types) put(fmt::format("{:3} ", static_cast<int>(static_cast<unsigned char>(record.type))));
}

void Printer::marker(const Record& record, std::string_view text) {
  prefix(record);
  put(fmt::format("*** {} {} ***\n", text, path_));
}

Result<> Printer::run() {
  if (options_.start == 0) {
    const auto first = source_.read(0, 1);
    if (!first) return std::unexpected(first.error());
    if (first->empty()) return {};
    if (kEnvelopeTypes.find(first->front()) == std::string_view::npos) {
      console_.warning(path_ + ": input is not a valid queue file");
      return {};
    }
    if (options_.envelope) put(fmt::format("*** ENVELOPE RECORDS {} ***\n", path_));
  }
  printing_ = options_.envelope;
  Result<> result;
  for (auto next = Next::print; next != Next::stop;) {
    const auto at = records_.offset();
    auto record = options_.verbose ? records_.next_raw() : records_.next();
    if (record && *record) (*record)->offset = at;  // as Postfix counts: of a pointer that was followed, not its target
    if (!record) result = std::unexpected(record.error());
    if (!record || !*record) break;
    if ((*record)->is(RecordType::pointer)) {
      const auto entered = enter_pointer(**record);
      if (!entered) result = std::unexpected(entered.error());
      next = entered.value_or(Next::stop);
    } else {
      next = enter(**record);
    }
    if (next == Next::print && printing_) print(**record);
  }
  write_stdout(buffer_);
  return result;
}

Printer::Next Printer::enter(const Record& record) {
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::part:
    case RecordType::line:
      return enter_text(record);
    case RecordType::message:
      return enter_content(record);
    case RecordType::extracted:
      return enter_extracted(record);
    case RecordType::end:
      return enter_end(record);
    case RecordType::size:
      if (printing_) print(record);
      take_sizes(record);
      return Next::skip;
    default:
      return Next::print;
  }
}

// The first line that is no header begins the body.
Printer::Next Printer::enter_text(const Record& record) {
  if (section_ != Section::header || !wants_text() || within_line_ || is_header(record.data) ||
      begins_with_blank(record.data))
    return Next::print;
  section_ = Section::body;
  printing_ = options_.body;
  if (printing_) return Next::print;
  if (!options_.envelope) return Next::stop;
  if (content_end_) records_.seek(*content_end_);
  return Next::skip;
}

Printer::Next Printer::enter_content(const Record& record) {
  if (section_ != Section::envelope) console_.warning(path_ + ": out-of-order message content marker");
  if (options_.envelope) marker(record, "MESSAGE CONTENTS");
  if (!wants_text() && content_end_) records_.seek(*content_end_);
  section_ = Section::header;
  printing_ = options_.header;
  return Next::skip;
}

Printer::Next Printer::enter_extracted(const Record& record) {
  if (section_ == Section::envelope) console_.warning(path_ + ": out-of-order extracted segment marker");
  if (printing_ && within_line_) put("\n");
  if (options_.envelope) marker(record, "HEADER EXTRACTED");
  section_ = Section::envelope;
  printing_ = options_.envelope;
  within_line_ = false;
  return printing_ ? Next::skip : Next::stop;
}

Printer::Next Printer::enter_end(const Record& record) {
  if (section_ != Section::envelope) console_.warning(path_ + ": out-of-order message end marker");
  if (options_.envelope) marker(record, "MESSAGE FILE END");
  return options_.raw && options_.verbose ? Next::skip : Next::stop;
}

Result<Printer::Next> Printer::enter_pointer(const Record& record) {
  if (printing_) print(record);
  if (!options_.raw) {
    if (auto followed = records_.follow(record); !followed) return std::unexpected(followed.error());
  }
  return Next::skip;
}

// Where the content is, so that it can be passed over, or gone to at once.
void Printer::take_sizes(const Record& record) {
  if (path_.starts_with("maildrop/")) return;
  if (content_at_) return console_.warning("file contains multiple size records");
  const auto words = split(record.data, " ");
  const auto size = words.size() > 1 ? parse_number(words[0]) : std::nullopt;
  const auto at = words.size() > 1 ? parse_number(words[1]) : std::nullopt;
  if (!size || !at || *size == 0 || *at == 0 || *at >= source_.size() || *size > source_.size())
    return console_.warning(fmt::format("invalid size record: {}", printable(record.data, 100)));
  content_at_ = at;
  content_end_ = *at + *size;
  if (options_.envelope) return;
  records_.seek(*content_at_);
  section_ = Section::header;
  printing_ = options_.header;
}

void Printer::print(const Record& record) {
  prefix(record);
  within_line_ = false;
  switch (static_cast<RecordType>(record.type)) {
    case RecordType::part:
    case RecordType::line:
    case RecordType::padding:
      return print_text(record);
    case RecordType::attribute:
      return print_attribute(record);
    case RecordType::arrival:
    case RecordType::warning:
      return put(fmt::format("{}: {}\n", postfix_queue::record_name(record.type), time_text(record.data)));
    default:  // up to a NUL: what stands behind one is no text
      return put(fmt::format("{}: {}\n", postfix_queue::record_name(record.type), record.data.c_str()));
  }
}

void Printer::print_text(const Record& record) {
  const bool whole = !record.is(RecordType::part);
  const bool in_envelope = section_ == Section::envelope;
  if (whole && options_.verbose) put(fmt::format("{}: ", postfix_queue::record_name(record.type)));
  if (!whole && in_envelope) put("content_filter: ");
  if (!whole && !in_envelope && options_.verbose) put("unterminated_text: ");
  put(record.data);
  if (whole || in_envelope || options_.verbose || options_.offsets) {
    put("\n");
  } else {
    within_line_ = true;
  }
}

void Printer::print_attribute(const Record& record) {
  const auto equals = record.data.find('=');
  if (equals == std::string::npos)
    return console_.warning(fmt::format("{}: malformed attribute: missing '=' after attribute name: {}", path_,
                                        printable(record.data, 100)));
  const auto name = trim(std::string_view(record.data).substr(0, equals));
  const auto value = trim(std::string_view(record.data).substr(equals + 1));
  if (name == "create_time") return put(fmt::format("create_time: {}\n", time_text(value)));
  put(fmt::format("named_attribute: {}={}\n", name, value));
}

}  // namespace

Result<> print_queue_file(const ByteSource& source, const std::string& path, const PrintOptions& options,
                          const Console& console) {
  return Printer(source, path, options, console).run();
}

}  // namespace waypost::tools
