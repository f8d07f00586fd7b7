// Calls those whose operation is done. A few are called at once; when there are many and others wait already, a thread
// of its own calls them, so that the writer goes on with the next batch meanwhile.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "spool/spool.h"

namespace waypost::spool {

class Completions {
 public:
  Completions() = default;
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;
  ~Completions() { stop(); }

  void start();
  // `busy`: the next batch waits already.
  void complete(std::vector<Done> done, const std::optional<Error>& error, bool busy);
  // Returns when all have been called.
  void stop();

 private:
  struct Group {
    std::vector<Done> done;
    std::optional<Error> error;
  };
  static void call(Group& group);
  void run();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<Group> groups_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace waypost::spool
