// One service's sight of the parameters: its -o settings over main.cf over the defaults. Values are expanded when they
// are asked for, so `$name` inside a value sees this service's settings.
//
// A View refers to the Configuration that made it and must not outlive it. Immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/expand.h"
#include "config/machine.h"
#include "config/main_cf.h"
#include "config/master_cf.h"

namespace waypost::config {

// Where a value comes from; line 0: no file (a default, the command line).
struct Origin {
  std::string file;
  int line = 0;
};

class View {
 public:
  // `service` null: what main.cf alone says. `process_name`: $process_name when there is no service.
  View(const std::string& directory, const MainCf& main, const Machine& machine, const Service* service,
       std::string_view process_name = "waypost")
      : directory_(directory), main_(main), machine_(machine), service_(service), process_name_(process_name) {}

  // The unexpanded value; nullopt when neither the files nor the table define the name.
  std::optional<std::string> raw(std::string_view name) const;
  // The unexpanded default; nullopt for a name that the table does not have.
  std::optional<std::string> raw_default(std::string_view name) const;
  // The expanded value, empty for an undefined name; values that hold run-time macros are left alone.
  Result<std::string> value(std::string_view name) const;
  Result<std::string> expanded(std::string_view text) const;

  // Whether the service or main.cf sets it.
  bool is_set(std::string_view name) const;
  Origin origin(std::string_view name) const;
  const Service* service() const { return service_; }

 private:
  // One question, with all that it takes to answer it.
  struct Question {
    ExpansionBudget budget;
    int nesting = 0;  // computed defaults being worked out; they may refer to each other in circles
  };

  std::optional<std::string> raw(std::string_view name, Question& question) const;
  std::optional<std::string> raw_default(std::string_view name, Question& question) const;
  std::optional<std::string> process_value(std::string_view name) const;
  std::string computed_default(std::string_view name, Question& question) const;
  std::string compute(std::string_view name, Question& question) const;
  Result<std::string> expanded(std::string_view text, Question& question) const;
  std::string evaluate(std::string_view name, Question& question) const;

  const std::string& directory_;
  const MainCf& main_;
  const Machine& machine_;
  const Service* service_;
  std::string process_name_;
};

}  // namespace waypost::config
