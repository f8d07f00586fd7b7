#include "admin/api.h"

#include <gtest/gtest.h>

#include "net/io_thread.h"
#include "net/sync_wait.h"

namespace waypost::admin {
namespace {

constexpr std::uint32_t kRefused = 4711, kUnknown = 4712;

class FakeCommands final : public Commands {
 public:
  net::Task<std::string> list() override { co_return "{\"queue_id\": \"B23C5606\"}\n"; }
  net::Task<std::vector<QueueId>> act(QueueAction action, Selection selection) override {
    last_action = action;
    last_selection = selection;
    co_return selection.ids;
  }
  net::Task<Result<std::optional<std::string>>> refused_user(Permission, std::uint32_t uid) override {
    if (uid == kUnknown) co_return fail(Errc::unavailable, "authorized_mailq_users: fail:x: table lookup problem");
    co_return uid == kRefused ? std::optional<std::string>("guest") : std::nullopt;
  }
  net::Task<void> flush(std::optional<QueueId> id) override {
    flushed.push_back(id);
    co_return;
  }
  net::Task<ReloadOutcome> reload() override { co_return reload_outcome; }
  void stop() override { stopped = true; }
  net::Task<std::string> status() override { co_return "{}"; }

  std::optional<QueueAction> last_action;
  Selection last_selection;
  std::vector<std::optional<QueueId>> flushed;
  ReloadOutcome reload_outcome;
  bool stopped = false;
};

class Api : public testing::Test {
 protected:
  void SetUp() override { thread_.start(); }
  void TearDown() override { thread_.stop(); }
  Response ask(std::string method, std::string path, std::string body = {}, bool privileged = true,
               std::uint32_t uid = 0) {
    Request request{std::move(method), std::move(path), {}, std::move(body)};
    return net::sync_wait(thread_, answer(commands_, std::move(request), Caller{uid, privileged}));
  }
  net::IoThread thread_{0};
  FakeCommands commands_;
};

TEST_F(Api, ListsTheQueueForEverybody) {
  EXPECT_EQ(ask("GET", "/v1/queue", {}, false).body, "{\"queue_id\": \"B23C5606\"}\n");
}

TEST_F(Api, AsksWhetherTheUserMayLookAndFlush) {
  const auto listing = ask("GET", "/v1/queue", {}, false, kRefused);
  EXPECT_EQ(listing.status, 403);
  EXPECT_EQ(listing.body, "User guest(4711) is not allowed to view the mail queue\n");
  const auto flushed = ask("POST", "/v1/queue/flush", {}, false, kRefused);
  EXPECT_EQ(flushed.status, 403);
  EXPECT_EQ(flushed.body, "User guest(4711) is not allowed to flush the mail queue\n");
  EXPECT_TRUE(commands_.flushed.empty());
  EXPECT_EQ(ask("GET", "/v1/queue", {}, true, kRefused).status, 200);
}

TEST_F(Api, SaysWhyNobodyCanTellWhetherTheUserMay) {
  const auto listing = ask("GET", "/v1/queue", {}, false, kUnknown);
  EXPECT_EQ(listing.status, 503);
  EXPECT_EQ(listing.body, "authorized_mailq_users: fail:x: table lookup problem\n");
}

TEST_F(Api, ActsOnTheIdsInTheBody) {
  EXPECT_EQ(ask("POST", "/v1/queue/hold", "B23C5606\n1E2401000\n").body, "B23C5606\n1E2401000\n");
  EXPECT_EQ(commands_.last_action, QueueAction::hold);
  EXPECT_FALSE(commands_.last_selection.all);
  ask("POST", "/v1/queue/remove", "ALL");
  EXPECT_TRUE(commands_.last_selection.all);
}

TEST_F(Api, RefusesAMalformedIdAndDoesNothing) {
  EXPECT_EQ(ask("POST", "/v1/queue/remove", "B23C5606\n../etc\n").status, 400);
  EXPECT_FALSE(commands_.last_action);
}

TEST_F(Api, OnlyPrivilegedCallersChangeAnything) {
  for (const char* path : {"/v1/queue/remove", "/v1/queue/hold", "/v1/reload", "/v1/stop"}) {
    EXPECT_EQ(ask("POST", path, "ALL", false).status, 403) << path;
  }
  EXPECT_FALSE(commands_.last_action);
  EXPECT_FALSE(commands_.stopped);
  EXPECT_EQ(ask("POST", "/v1/queue/flush", {}, false).status, 204);
}

TEST_F(Api, ReloadTellsFindingsWhenRefused) {
  commands_.reload_outcome = {false, {"/etc/postfix/main.cf, line 3: missing '=' after attribute name: \"x\""}};
  const auto response = ask("POST", "/v1/reload");
  EXPECT_EQ(response.status, 409);
  EXPECT_EQ(response.body, "/etc/postfix/main.cf, line 3: missing '=' after attribute name: \"x\"\n");
}

TEST_F(Api, UnknownPathsAreNotFound) {
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("POST", "/v1/queue/explode").status, 404);
}

}  // namespace
}  // namespace waypost::admin
