// The parts of a message that header_checks(5) and body_checks(5) tables are asked about, for postmap -b, -h and -m:
// whole header fields with their continuation lines, and body lines. Without MIME only the header section of the
// message itself counts as headers; with it also those of its parts and of attached messages.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace waypost::tools {

struct MessageKeyOptions {
  bool headers = false, body = false;  // which keys are wanted
  bool mime = false;                   // look into parts
};

class MessageKeys {
 public:
  static constexpr std::size_t kHeaderSizeLimit = 102'400;    // header_size_limit's default
  static constexpr std::size_t kBoundaryLengthLimit = 2'048;  // mime_boundary_length_limit's default
  static constexpr std::size_t kNestingLimit = 100;           // mime_nesting_limit's default

  using OnKey = std::function<void(const std::string& key)>;
  MessageKeys(MessageKeyOptions options, OnKey on_key) : options_(options), on_key_(std::move(on_key)) {}

  // The next line, without its end. False when nothing that follows can be a key.
  bool feed(std::string_view line);
  // The message is over.
  void finish();

 private:
  enum class State : std::uint8_t { headers, body };
  enum class Content : std::uint8_t { other, message, multipart };
  struct Boundary {
    std::string text;
    Content default_content = Content::other;
  };

  void end_field();
  void note_content_type(std::string_view value);
  bool take_header_line(std::string_view line);
  void end_headers(std::string_view line);
  void take_body_line(std::string_view line);
  void start_headers(Content content);

  MessageKeyOptions options_;
  OnKey on_key_;
  State state_ = State::headers;
  bool is_primary_ = true;  // still in the message's own header section
  Content content_ = Content::other;
  std::string field_;  // the header field that goes on
  std::vector<Boundary> boundaries_;
};

}  // namespace waypost::tools
