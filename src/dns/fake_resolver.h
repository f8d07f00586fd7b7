// A Resolver with scripted answers, for tests. Names without a script do not exist. Script first, then look up from
// any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dns/resolver.h"

namespace waypost::dns {

class FakeResolver final : public Resolver {
 public:
  FakeResolver& address(std::string_view name, std::string address);  // A or AAAA, as the literal is
  FakeResolver& mx(std::string_view name, std::uint16_t preference, std::string host);
  FakeResolver& ptr(std::string_view address, std::string name);
  FakeResolver& fails(std::string_view name, Type type, Status status);
  // Replaces whatever was scripted for this question.
  FakeResolver& answer(std::string_view name, Type type, Answer answer);

  // The questions so far, as "name/MX".
  std::vector<std::string> asked() const;

  net::Task<Answer> lookup(std::string name, Type type, MonoTime deadline) override;

 private:
  using Question = std::pair<std::string, Type>;  // lower case, no final dot
  Answer& entry(std::string_view name, Type type);
  Answer find(const std::string& name, Type type);

  mutable std::mutex mutex_;
  std::map<Question, Answer> answers_;
  std::vector<std::string> asked_;
};

}  // namespace waypost::dns
