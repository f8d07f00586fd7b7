#include "tables/remote_table.h"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <thread>

#include "base/text.h"
#include "net/io_thread.h"
#include "net/sync_wait.h"
#include "tables/registry.h"
#include "tables/run_immediate.h"

namespace waypost::tables {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A server in memory: "slow" waits until it is let go or its time is over, "bad" fails, the others answer with the key.
struct FakeServer {
  std::mutex mutex;
  std::condition_variable changed;
  bool let_go = false;
  int asking = 0, most_asking = 0, clients = 0;
  std::vector<std::string> asked;

  void release() {
    const std::scoped_lock lock(mutex);
    let_go = true;
    changed.notify_all();
  }
  void wait_for_asking(int count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return asking >= count; });
  }
};

class FakeClient final : public RemoteClient {
 public:
  explicit FakeClient(FakeServer& server) : server_(server) {
    const std::scoped_lock lock(server_.mutex);
    ++server_.clients;
  }

  Lookup find(std::string_view key, const Patience& patience) override {
    {
      const std::scoped_lock lock(server_.mutex);
      server_.asked.emplace_back(key);
      server_.most_asking = std::max(server_.most_asking, ++server_.asking);
      server_.changed.notify_all();
    }
    auto answer = answer_to(key, patience);
    const std::scoped_lock lock(server_.mutex);
    --server_.asking;
    return answer;
  }

 private:
  Lookup answer_to(std::string_view key, const Patience& patience) {
    if (key == "bad") return fail(Errc::io, "the server said no");
    if (key == "none") return std::nullopt;
    if (key != "slow") return std::string(key);
    constexpr std::chrono::milliseconds kStep{5};
    while (true) {
      if (patience.is_over()) return fail(Errc::timeout, "too slow");
      std::unique_lock lock(server_.mutex);
      if (server_.changed.wait_for(lock, kStep, [&] { return server_.let_go; })) return "slow";
    }
  }

  FakeServer& server_;
};

class RemoteTableTest : public ::testing::Test {
 protected:
  RemoteTableTest() { io_.start(); }
  ~RemoteTableTest() override {
    server_.release();
    workers_->stop();
    io_.stop();
  }

  std::shared_ptr<RemoteTable> make(RemoteSpec spec = {}) {
    spec.name = "fake:x";
    spec.make_client = [this] { return std::make_unique<FakeClient>(server_); };
    return std::make_shared<RemoteTable>(std::move(spec), workers_, Log(sink_, "test", 1));
  }
  static std::string shown(const Lookup& found) {
    return found ? found->value_or("-") : "failed: " + found.error().text;
  }
  // As from a session.
  std::string find_later(const std::shared_ptr<RemoteTable>& table, std::string key) {
    return shown(net::sync_wait(io_, table->find_later(std::move(key))));
  }

  FakeServer server_;
  CapturingLog sink_;
  std::shared_ptr<RemoteWorkers> workers_ = std::make_shared<RemoteWorkers>();
  net::IoThread io_{0};
};

TEST_F(RemoteTableTest, AnswersOnIoThreadsAndElsewhere) {
  const auto table = make();
  EXPECT_FALSE(table->immediate());
  EXPECT_EQ(find_later(table, "Key"), "key");
  EXPECT_EQ(find_later(table, "none"), "-");
  EXPECT_EQ(shown(table->find("Key")), "key");
  EXPECT_EQ(shown(run_immediate(table->find_later("Key"))), "key") << "no io thread: it blocks";
  EXPECT_EQ(server_.clients, 1) << "one after the other needs one connection";
}

TEST_F(RemoteTableTest, DoesNotAskForKeysThatCannotBeThere) {
  RemoteSpec spec;
  spec.fold = false;
  spec.only_utf8 = true;
  spec.needs = {.user = true, .domain = true, .labels = 2};
  const SystemClock clock;
  TableRegistry registry(Log(sink_, "test", 1), clock);
  spec.domains = MatchList("test", "example.com", registry);
  const auto table = make(std::move(spec));
  for (const std::string_view key : {"", "x", "@example.com", "x@", "x@com", "x@other.example", "\xff@example.com"}) {
    EXPECT_EQ(shown(table->find(key)), "-") << key;
  }
  EXPECT_EQ(shown(table->find(std::string_view("a\0b@example.com", 15))), "-");
  EXPECT_EQ(shown(table->find("X@Example.com")), "X@Example.com");
  EXPECT_THAT(server_.asked, ElementsAre("X@Example.com"));
}

TEST_F(RemoteTableTest, TellsFailureOnceAndItsEnd) {
  const auto table = make();
  EXPECT_EQ(find_later(table, "bad"), "failed: the server said no");
  EXPECT_EQ(table->find("bad").error().code, Errc::unavailable) << "whatever it was";
  EXPECT_EQ(find_later(table, "good"), "good");
  EXPECT_EQ(find_later(table, "good"), "good");
  EXPECT_THAT(sink_.lines(), ElementsAre("test: warning: the server said no", "test: fake:x: lookups work again"));
}

net::Task<void> ask(std::shared_ptr<RemoteTable> table, std::string key, std::atomic<int>& done,
                    std::vector<std::string>& answers) {
  const Lookup found = co_await table->find_later(std::move(key));
  answers.push_back(found ? found->value_or("-") : "failed: " + found.error().text);
  ++done;
}

TEST_F(RemoteTableTest, AsksAtMostSoManyAtOnceAndDelaysNobodyElse) {
  constexpr int kSessions = 10, kConnections = 3;
  RemoteSpec spec;
  spec.connections = kConnections;
  const auto slow = make(std::move(spec)), other = make();
  std::atomic<int> done{0};
  std::vector<std::string> answers;
  net::TaskGroup group(io_);
  io_.post([&] {
    for (int i = 0; i < kSessions; ++i) group.spawn(ask(slow, "slow", done, answers));
  });
  server_.wait_for_asking(kConnections);
  EXPECT_EQ(find_later(other, "quick"), "quick") << "the io thread is free, and the other table's worker too";
  EXPECT_EQ(done, 0);
  server_.release();
  while (done < kSessions) std::this_thread::yield();
  EXPECT_THAT(answers, ::testing::Each("slow"));
  EXPECT_EQ(server_.most_asking, kConnections + 1);
  io_.stop();
}

TEST_F(RemoteTableTest, GivesUpWhenItsTimeIsOverAlsoWhileItWaitsForAConnection) {
  RemoteSpec spec;
  spec.connections = 1;
  spec.timeout = seconds(1);
  const auto table = make(std::move(spec));
  std::atomic<int> done{0};
  std::vector<std::string> answers;
  net::TaskGroup group(io_);
  io_.post([&] {
    for (int i = 0; i < 2; ++i) group.spawn(ask(table, "slow", done, answers));
  });
  while (done < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_THAT(answers,
              ElementsAre("failed: too slow", "failed: timed out while all connections of the table were busy"));
  EXPECT_THAT(server_.asked, SizeIs(1));
  io_.stop();
}

TEST_F(RemoteTableTest, StopEndsLookupsThatWait) {
  RemoteSpec spec;
  spec.connections = 1;
  spec.timeout = std::chrono::hours(1);
  const auto table = make(std::move(spec));
  std::atomic<int> done{0};
  std::vector<std::string> answers;
  net::TaskGroup group(io_);
  io_.post([&] {
    for (int i = 0; i < 2; ++i) group.spawn(ask(table, "slow", done, answers));
  });
  server_.wait_for_asking(1);
  workers_->stop();
  while (done < 2) std::this_thread::yield();
  EXPECT_THAT(answers, ::testing::UnorderedElementsAre("failed: too slow", HasSubstr("stopped")));
  EXPECT_THAT(find_later(table, "x"), HasSubstr("failed"));
  io_.stop();
}

TEST_F(RemoteTableTest, ClosesConnectionsThatWereIdleForTooLong) {
  RemoteSpec spec;
  spec.idle = seconds(0);
  const auto table = make(std::move(spec));
  EXPECT_EQ(shown(table->find("a")), "a");
  EXPECT_EQ(shown(table->find("b")), "b");
  EXPECT_EQ(server_.clients, 2);
}

TEST_F(RemoteTableTest, WorksInsideOfATableList) {
  SystemClock clock;
  TableRegistry registry(Log(sink_, "test", 1), clock);
  EXPECT_EQ(shown(registry.open("tcp:127.0.0.1:0")->find("x")).substr(0, 34), "failed: connect to TCP map 127.0.0");
  EXPECT_THAT(shown(registry.open("tcp:nowhere")->find("x")), HasSubstr("need host:port, not \"nowhere\""));
  EXPECT_THAT(shown(registry.open("socketmap:inet:h:1")->find("x")), HasSubstr("need host:port"));
  EXPECT_THAT(shown(registry.open("socketmap:x")->find("x")),
              HasSubstr("socketmap requires server:socketmap argument"));
  registry.workers()->stop();
}

}  // namespace
}  // namespace waypost::tables
