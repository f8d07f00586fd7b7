#include "tools/sendmail_options.h"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::tools {
namespace {

// Options that take a value, joined or as the next word. Those not named take none.
constexpr std::string_view kValued = "ABCFLNORVXbfhopqr";
constexpr std::string_view kIgnored = "GUmnv";

Result<std::uint8_t> parse_notify(std::string_view value) {
  std::uint8_t bits = 0;
  for (const auto word : split(value, ",")) {
    if (iequals(word, "never"))
      bits |= mail::Notify::kNever;
    else if (iequals(word, "success"))
      bits |= mail::Notify::kSuccess;
    else if (iequals(word, "failure"))
      bits |= mail::Notify::kFailure;
    else if (iequals(word, "delay"))
      bits |= mail::Notify::kDelay;
    else
      return fail(Errc::invalid, "bad -N option value -- ignored");
  }
  if (bits == 0 || ((bits & mail::Notify::kNever) != 0 && bits != mail::Notify::kNever)) {
    return fail(Errc::invalid, "bad -N option value -- ignored");
  }
  return bits;
}

std::string without_brackets(std::string_view address) {
  address = trim(address);
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>')
    address = address.substr(1, address.size() - 2);
  return std::string(address);
}

class OptionReader {
 public:
  Result<SendmailOptions> read(const std::vector<std::string>& arguments) {
    std::size_t i = 0;
    for (; i < arguments.size(); ++i) {
      const std::string& word = arguments[i];
      if (word == "--") {
        ++i;
        break;
      }
      if (word.size() < 2 || word[0] != '-') break;
      auto used = read_word(word, i + 1 < arguments.size() ? &arguments[i + 1] : nullptr);
      if (!used) return std::unexpected(used.error());
      i += *used;
    }
    for (; i < arguments.size(); ++i) out_.drop.recipients.push_back(arguments[i]);
    return std::move(out_);
  }

 private:
  // One word of options, "-ti" or "-f" "x"; the answer is how many further words it took.
  Result<std::size_t> read_word(const std::string& word, const std::string* next) {
    for (std::size_t k = 1; k < word.size(); ++k) {
      const char option = word[k];
      if (kValued.find(option) == std::string_view::npos) {
        if (auto r = flag(option); !r) return std::unexpected(r.error());
        continue;
      }
      const std::string joined = word.substr(k + 1);
      const bool may_be_empty = option == 'q';  // "-q" alone flushes; its value is never the next word
      if (joined.empty() && !may_be_empty && next == nullptr)
        return fail(Errc::invalid, fmt::format("option -{} needs a value", option));
      const bool takes_next = joined.empty() && !may_be_empty;
      if (auto r = valued(option, takes_next ? *next : joined); !r) return std::unexpected(r.error());
      return takes_next ? 1 : 0;
    }
    return 0;
  }

  Result<> flag(char option) {
    if (option == 't') {
      out_.recipients_from_headers = true;
    } else if (option == 'i') {
      out_.dot_ends_input = false;
    } else if (option == 'I') {
      out_.mode = SendmailMode::newaliases;
    } else if (kIgnored.find(option) == std::string_view::npos) {
      return fail(Errc::invalid, fmt::format("usage: sendmail [options] (unknown option -{})", option));
    }
    return {};
  }

  Result<> valued(char option, const std::string& value) {
    switch (option) {
      case 'f':
      case 'r':
        return sender(value);
      case 'F':
        out_.drop.full_name = printable(value, intake::kMaxDropFieldLength);
        return {};
      case 'C':
        out_.config_directory = value;
        return {};
      case 'b':
        return mode(value);
      case 'q':
        return flush(value);
      case 'o':
        return set_option(value);
      case 'B':
        return encoding(value);
      case 'V':
        out_.drop.dsn_envid = value;
        return {};
      case 'R':
        if (iequals(value, "hdrs")) {
          out_.drop.dsn_return = mail::DsnReturn::headers;
        } else if (iequals(value, "full")) {
          out_.drop.dsn_return = mail::DsnReturn::full;
        } else {
          out_.warnings.emplace_back("bad -R option value -- ignored");
        }
        return {};
      case 'N':
        if (const auto bits = parse_notify(value)) {
          out_.drop.notify = *bits;
        } else {
          out_.warnings.push_back(bits.error().text);
        }
        return {};
      default:
        return {};  // accepted and ignored
    }
  }

  Result<> encoding(std::string_view value) {
    if (iequals(value, "8BITMIME")) {
      out_.drop.encoding = mail::BodyEncoding::eight_bit_mime;
    } else if (iequals(value, "7BIT")) {
      out_.drop.encoding = mail::BodyEncoding::seven_bit;
    } else {
      return fail(Errc::invalid, "-B option needs 8BITMIME or 7BIT");
    }
    return {};
  }

  Result<> sender(const std::string& value) {
    out_.sender_given = true;
    out_.drop.sender = without_brackets(value);
    if (out_.drop.sender.find_first_of(" \t\r\n<>") != std::string::npos) {
      out_.warnings.push_back(fmt::format("-f option specified malformed sender: {}", printable(value, 200)));
      out_.drop.sender.clear();
      out_.sender_given = false;
    }
    return {};
  }

  Result<> mode(const std::string& value) {
    if (value == "m") return {};
    if (value == "p")
      out_.mode = SendmailMode::mailq;
    else if (value == "i")
      out_.mode = SendmailMode::newaliases;
    else if (value == "d" || value == "l")
      out_.mode = SendmailMode::daemon;
    else if (value == "s")
      out_.mode = SendmailMode::smtp_stdin;
    else if (value == "v")
      out_.mode = SendmailMode::probe;
    else
      return fail(Errc::invalid, fmt::format("unsupported: -b{}", printable(value, 20)));
    return {};
  }

  Result<> flush(const std::string& value) {
    out_.mode = SendmailMode::flush;
    if (value.starts_with("I")) out_.flush_queue_id = value.substr(1);
    if (value.starts_with("S")) return fail(Errc::invalid, "-qS is not implemented");
    if (value.starts_with("R")) out_.flush_site = value.substr(1);
    return {};  // -q and -qINTERVAL flush everything
  }

  Result<> set_option(const std::string& value) {
    if (value == "i") out_.dot_ends_input = false;
    if (value == "A") return fail(Errc::invalid, "-oA requires pathname");
    if (value.starts_with("A")) out_.alias_database = value.substr(1);
    return {};  // -om -oe -oN ... are of other mailers
  }

  SendmailOptions out_;
};

}  // namespace

Result<SendmailOptions> parse_sendmail_options(const std::vector<std::string>& arguments) {
  return OptionReader().read(arguments);
}

}  // namespace waypost::tools
