// main.cf and master.cf of one directory, read together: the immutable snapshot that everything else is made from.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/finding.h"
#include "config/machine.h"
#include "config/main_cf.h"
#include "config/master_cf.h"
#include "config/view.h"

namespace waypost::config {

struct Configuration {
  std::string directory;
  MainCf main;
  MasterCf master;
  Machine machine;

  // `service` null: what main.cf alone says. The answer must not outlive this object.
  View view(const Service* service = nullptr, std::string_view process_name = "waypost") const {
    return View(directory, main, machine, service, process_name);
  }
  // As one of the mail system's own services sees it, whose work Waypost does: cleanup, qmgr, rewrite, bounce, pickup.
  View internal_view(std::string_view name) const { return view(master.find_internal(name)); }
};

struct LoadOptions {
  std::vector<NameValue> overrides;  // as from -o on a command line: they win over main.cf
  bool read_master = true;           // commands that only need main.cf leave master.cf alone
};

// Errc::not_found or io when a file cannot be read; Errc::invalid when one does not parse. The findings then hold every
// line that is wrong, and the Error repeats the first. Warnings do not fail.
Result<std::shared_ptr<const Configuration>> load(const std::string& directory, Findings& findings,
                                                  const LoadOptions& options = {});

// The directory that a command works on: `given` (-c), else $MAIL_CONFIG, else /etc/postfix.
std::string config_directory(std::string_view given);

}  // namespace waypost::config
