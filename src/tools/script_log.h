// Where a command says what it does: the terminal and the mail log, as "postfix/postfix-script: text".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "config/finding.h"
#include "tools/context.h"

namespace waypost::tools {

class ScriptLog {
 public:
  explicit ScriptLog(const Context& context, std::string_view tag = "postfix/postfix-script");
  ~ScriptLog();
  ScriptLog(ScriptLog&&) noexcept;

  // To the mail log alone.
  void note(std::string_view text);
  void info(std::string_view text) { write(LogLevel::info, text); }
  void warning(std::string_view text) { write(LogLevel::warning, text); }
  void error(std::string_view text) { write(LogLevel::error, text); }
  int fatal(std::string_view text);  // gives back exit status 1
  void finding(const config::Finding& finding);

 private:
  void write(LogLevel level, std::string_view text);
  std::string tag_;
  std::unique_ptr<LogSink> sink_;  // null when the mail log cannot be written; the terminal has it all
};

}  // namespace waypost::tools
