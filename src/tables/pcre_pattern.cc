// pcre: Perl-compatible expressions, compiled to machine code where the system lets us (an interpreter does the work
// where not). Match, depth and heap limits bound what a hostile subject can cost: about a tenth of a second.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <fmt/format.h>

#include <algorithm>

#include "tables/pattern.h"

namespace waypost::tables {
namespace {

constexpr std::uint32_t kMatchLimit = 1'000'000;    // PCRE2's own default is ten times as much
constexpr std::uint32_t kDepthLimit = 1'000'000;    // nested backtracking points
constexpr std::uint32_t kHeapLimitKib = 128 << 10;  // of the interpreter, for one match
constexpr std::size_t kJitStackBytes = 1 << 20;     // what does not fit is left to the interpreter
constexpr std::uint32_t kFirstPairs = 16;

std::string error_text(int error) {
  PCRE2_UCHAR text[256];
  if (::pcre2_get_error_message(error, text, sizeof text) < 0)
    return fmt::format("unexpected pcre2 error code {}", error);
  return reinterpret_cast<const char*>(text);
}

// What matching needs to write to: one for each thread, for all patterns.
class Scratch {
 public:
  Scratch() {
    context_ = ::pcre2_match_context_create(nullptr);
    stack_ = ::pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr);
    if (context_ == nullptr) return;
    ::pcre2_set_match_limit(context_, kMatchLimit);
    ::pcre2_set_depth_limit(context_, kDepthLimit);
    ::pcre2_set_heap_limit(context_, kHeapLimitKib);
    if (stack_ != nullptr) ::pcre2_jit_stack_assign(context_, nullptr, stack_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    ::pcre2_match_data_free(data_);
    ::pcre2_jit_stack_free(stack_);
    ::pcre2_match_context_free(context_);
  }

  // With room for so many pairs of offsets; null when memory is short.
  pcre2_match_data* data(std::uint32_t pairs) {
    if (data_ == nullptr || ::pcre2_get_ovector_count(data_) < pairs) {
      ::pcre2_match_data_free(data_);
      data_ = ::pcre2_match_data_create(std::max(pairs, kFirstPairs), nullptr);
    }
    return context_ == nullptr ? nullptr : data_;
  }
  pcre2_match_context* context() const { return context_; }
  // Gives back the memory that the interpreter took for a long match.
  void trim() {
    ::pcre2_match_data_free(data_);
    data_ = nullptr;
  }

 private:
  pcre2_match_context* context_ = nullptr;
  pcre2_jit_stack* stack_ = nullptr;
  pcre2_match_data* data_ = nullptr;
};

class PcrePattern final : public Pattern {
 public:
  explicit PcrePattern(pcre2_code* code) : code_(code) {
    has_machine_code_ = ::pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE) == 0;  // else the interpreter does it
    ::pcre2_pattern_info(code_, PCRE2_INFO_CAPTURECOUNT, &group_count_);
  }
  PcrePattern(const PcrePattern&) = delete;
  PcrePattern& operator=(const PcrePattern&) = delete;
  ~PcrePattern() override { ::pcre2_code_free(code_); }

  Match match(const std::string& subject, std::span<Group> groups, std::string& why) const override {
    thread_local Scratch scratch;
    pcre2_match_data* const data = scratch.data(static_cast<std::uint32_t>(std::max<std::size_t>(groups.size(), 1)));
    if (data == nullptr) {
      why = "no more memory";
      return Match::gave_up;
    }
    const auto* const text = reinterpret_cast<PCRE2_SPTR>(subject.data());
    int found = PCRE2_ERROR_JIT_STACKLIMIT;
    if (has_machine_code_) found = ::pcre2_jit_match(code_, text, subject.size(), 0, 0, data, scratch.context());
    const bool is_interpreted = found == PCRE2_ERROR_JIT_STACKLIMIT;
    if (is_interpreted) {
      found = ::pcre2_match(code_, text, subject.size(), 0, PCRE2_NO_JIT, data, scratch.context());
    }
    if (found >= 0) copy_groups(data, groups);
    if (is_interpreted && has_machine_code_) scratch.trim();
    if (found >= 0) return Match::yes;
    if (found == PCRE2_ERROR_NOMATCH) return Match::no;
    why = error_text(found);
    return Match::gave_up;
  }
  std::size_t group_count() const override { return group_count_; }

 private:
  static void copy_groups(pcre2_match_data* data, std::span<Group> groups) {
    const PCRE2_SIZE* const offsets = ::pcre2_get_ovector_pointer(data);
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool took_part = offsets[2 * i] != PCRE2_UNSET && offsets[2 * i] <= offsets[2 * i + 1];
      groups[i] = took_part ? Group{offsets[2 * i], offsets[2 * i + 1]} : Group{};
    }
  }

  pcre2_code* code_;
  std::uint32_t group_count_ = 0;
  bool has_machine_code_ = false;
};

// Options are bits of an unsigned number for PCRE2, of an int for Dialect.
constexpr int to_options(std::uint32_t bits) { return static_cast<int>(bits); }

bool set_flag(char flag, int& options, RuleWarnings& warnings) {
  struct Flag {
    char letter;
    std::uint32_t bit;
  };
  constexpr Flag kFlags[] = {{'i', PCRE2_CASELESS}, {'m', PCRE2_MULTILINE}, {'s', PCRE2_DOTALL},
                             {'x', PCRE2_EXTENDED}, {'A', PCRE2_ANCHORED},  {'E', PCRE2_DOLLAR_ENDONLY},
                             {'U', PCRE2_UNGREEDY}};
  if (flag == 'X') {
    warnings.here("ignoring obsolete regexp option \"X\"");
    return true;
  }
  const auto* found = std::ranges::find(kFlags, flag, &Flag::letter);
  if (found == std::end(kFlags)) return false;
  options ^= to_options(found->bit);
  return true;
}

Result<std::unique_ptr<const Pattern>> compile(const std::string& text, int options, bool) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* const code = ::pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                           static_cast<std::uint32_t>(options), &error, &offset, nullptr);
  if (code == nullptr) {
    return fail(Errc::invalid, fmt::format("error in regex at offset {}: {}", offset, error_text(error)));
  }
  return std::make_unique<PcrePattern>(code);
}

}  // namespace

const Dialect kPcreDialect{.type = "pcre",
                           .unclosed_text = "ignoring this rule",
                           .zero_text = "out of range",
                           .has_second_pattern = false,
                           .default_options = to_options(PCRE2_CASELESS | PCRE2_DOTALL),
                           .ignore_case = to_options(PCRE2_CASELESS),
                           .prefix_wanted = 0,
                           .prefix_forbidden = to_options(PCRE2_MULTILINE | PCRE2_EXTENDED),
                           .set_flag = set_flag,
                           .compile = compile};

}  // namespace waypost::tables
