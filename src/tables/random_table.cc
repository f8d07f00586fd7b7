// randmap:{value, value ...}: any key gets one of the values, by chance.
#include <random>
#include <utility>

#include "tables/members.h"

namespace waypost::tables {
namespace {

class RandomTable final : public Table {
 public:
  RandomTable(std::string name, const std::vector<std::string_view>& values)
      : name_(std::move(name)), values_(values.begin(), values.end()) {}

  const std::string& name() const override { return name_; }
  KeyStyle key_style() const override { return KeyStyle::whole_only; }
  Lookup find(std::string_view) const override {
    thread_local std::minstd_rand generator{std::random_device{}()};
    return values_[std::uniform_int_distribution<std::size_t>(0, values_.size() - 1)(generator)];
  }

 private:
  std::string name_;
  std::vector<std::string> values_;
};

}  // namespace

std::shared_ptr<const Table> make_random_table(const TableSource& source) {
  const auto values = member_words(source, "value");
  if (!values) return std::make_shared<UnavailableTable>(source.name(), values.error().text, source.log);
  return std::make_shared<RandomTable>(source.name(), *values);
}

}  // namespace waypost::tables
