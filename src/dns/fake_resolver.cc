#include "dns/fake_resolver.h"

#include "base/text.h"

namespace waypost::dns {

namespace {
constexpr std::uint32_t kFakeTtlS = 300;

std::string key_of(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return to_lower(name);
}
}  // namespace

Answer& FakeResolver::entry(std::string_view name, Type type) {
  Answer& answer = answers_[Question(key_of(name), type)];
  answer.status = Status::ok;
  answer.canonical_name = name;
  answer.ttl_s = kFakeTtlS;
  answer.failure.clear();
  return answer;
}

FakeResolver& FakeResolver::address(std::string_view name, std::string address) {
  const std::lock_guard lock(mutex_);
  const Type type = address.find(':') == std::string::npos ? Type::a : Type::aaaa;
  entry(name, type).addresses.push_back(std::move(address));
  return *this;
}

FakeResolver& FakeResolver::mx(std::string_view name, std::uint16_t preference, std::string host) {
  const std::lock_guard lock(mutex_);
  entry(name, Type::mx).mx.push_back(MxRecord{preference, std::move(host)});
  return *this;
}

FakeResolver& FakeResolver::ptr(std::string_view address, std::string name) {
  const std::lock_guard lock(mutex_);
  entry(reverse_name(address), Type::ptr).names.push_back(std::move(name));
  return *this;
}

FakeResolver& FakeResolver::fails(std::string_view name, Type type, Status status) {
  return answer(name, type, failed_answer(status, name, type));
}

FakeResolver& FakeResolver::answer(std::string_view name, Type type, Answer answer) {
  const std::lock_guard lock(mutex_);
  answers_[Question(key_of(name), type)] = std::move(answer);
  return *this;
}

std::vector<std::string> FakeResolver::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

// As a name server: a name with records of other types exists, without data of this one.
Answer FakeResolver::find(const std::string& name, Type type) {
  const std::lock_guard lock(mutex_);
  const std::string key = key_of(name);
  asked_.push_back(key + "/" + std::string(type_name(type)));
  if (const auto found = answers_.find(Question(key, type)); found != answers_.end()) return found->second;
  const auto any = answers_.lower_bound(Question(key, Type{}));
  const bool exists = any != answers_.end() && any->first.first == key && any->second.status == Status::ok;
  return failed_answer(exists ? Status::no_data : Status::nxdomain, name, type);
}

net::Task<Answer> FakeResolver::lookup(std::string name, Type type, MonoTime) { co_return find(name, type); }

}  // namespace waypost::dns
