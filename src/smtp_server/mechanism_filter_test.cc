#include "smtp_server/mechanism_filter.h"

#include <gtest/gtest.h>

#include "tables/registry.h"
#include "tables/run_immediate.h"

namespace waypost::smtp_server {
namespace {

class NoExchange final : public AuthExchange {
 public:
  net::Task<smtp::SaslAnswer> start(const std::string*) override { co_return smtp::SaslAnswer{}; }
  net::Task<smtp::SaslAnswer> next(const std::string&) override { co_return smtp::SaslAnswer{}; }
};

// Offers PLAIN inside TLS only.
class Backend final : public Authenticator {
 public:
  net::Task<std::string> mechanisms(bool encrypted) override { co_return encrypted ? "PLAIN CRAM-MD5" : "CRAM-MD5"; }
  std::unique_ptr<AuthExchange> begin(const std::string&, const AuthClient&) override {
    return std::make_unique<NoExchange>();
  }
};

TEST(MechanismFilter, RefusesTheSameWhateverOtherSessionsWereOffered) {
  NullLog sink;
  const Log log(sink, "test", 1);
  const ManualClock clock;
  tables::TableRegistry registry(log, clock);
  MechanismFilter filter(std::make_shared<Backend>(), tables::MatchList("filter", "!plain, static:rest", registry),
                         log);
  EXPECT_EQ(tables::run_immediate(filter.mechanisms(true)), "CRAM-MD5");
  EXPECT_EQ(filter.begin("PLAIN", {}), nullptr);
  EXPECT_EQ(tables::run_immediate(filter.mechanisms(false)), "CRAM-MD5");
  EXPECT_EQ(filter.begin("plain", {}), nullptr) << "the client in clear was not asked about it";
  EXPECT_NE(filter.begin("CRAM-MD5", {}), nullptr);
}

}  // namespace
}  // namespace waypost::smtp_server
