#include "smtp/data_decoder.h"

#include "smtp/line_scan.h"

namespace waypost::smtp {
namespace {
constexpr std::string_view kLineEnd = "\r\n";
}

DataDecoder::Step DataDecoder::next(std::string_view in) {
  if (in.empty()) return {};
  switch (state_) {
    case State::line_start:
    case State::in_line:
      return run(in);
    case State::cr:
      return after_cr(in.front());
    case State::dot:
      return after_dot(in);
    case State::dot_cr:
      return after_dot_cr(in.front());
  }
  return {};
}

// The fast path: everything up to the next byte that needs a decision is passed on as it stands.
DataDecoder::Step DataDecoder::run(std::string_view in) {
  const char* stop = find_irregular(in.data(), in.data() + in.size(), state_ == State::line_start);
  const auto regular = static_cast<std::size_t>(stop - in.data());
  if (regular == 0) return irregular(in.front());
  const bool line_ended = stop[-1] == '\n';
  state_ = line_ended ? State::line_start : State::in_line;
  if (line_ended) after_bare_newline_ = false;  // a line in `in` can only have ended in CRLF
  return {regular, in.substr(0, regular), false};
}

DataDecoder::Step DataDecoder::irregular(char c) {
  if (c == '\r') {
    state_ = State::cr;
    return {1, {}, false};
  }
  if (c == '.') {
    state_ = State::dot;
    return {1, {}, false};
  }
  saw_bare_newline_ = after_bare_newline_ = true;
  state_ = State::line_start;
  return {1, kLineEnd, false};
}

DataDecoder::Step DataDecoder::after_cr(char c) {
  if (c == '\n') {
    state_ = State::line_start;
    after_bare_newline_ = false;
    return {1, kLineEnd, false};
  }
  state_ = State::in_line;
  return {0, stray_ == StrayCr::to_space ? " " : "\r", false};
}

// RFC 5321 §4.5.2: a line that begins with a dot and has more loses that dot. The byte after it is content, also when
// it is another dot.
DataDecoder::Step DataDecoder::after_dot(std::string_view in) {
  if (in.front() == '\r') {
    state_ = State::dot_cr;
    return {1, {}, false};
  }
  if (in.front() != '\n') {
    state_ = State::in_line;
    return run(in);
  }
  saw_bare_newline_ = after_bare_newline_ = true;
  state_ = State::line_start;
  return {1, {}, policy_ == BareNewline::no};
}

DataDecoder::Step DataDecoder::after_dot_cr(char c) {
  if (c == '\n') {
    const bool done = dot_line_ends_message();
    state_ = State::line_start;
    after_bare_newline_ = false;
    return {1, {}, done};
  }
  state_ = State::in_line;
  return {0, stray_ == StrayCr::to_space ? " " : "\r", false};
}

bool DataDecoder::dot_line_ends_message() const { return policy_ == BareNewline::no || !after_bare_newline_; }

}  // namespace waypost::smtp
