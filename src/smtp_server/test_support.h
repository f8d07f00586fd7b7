// For tests of sessions: fakes behind the ports, and a server without a listener.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "net/sync_wait.h"
#include "smtp_server/session.h"
#include "smtp_server/test_client.h"

namespace waypost::smtp_server {

// Permits all but what the test names.
class FakeAccess final : public AccessPort {
 public:
  net::Task<access::Decision> check_connect(const access::Subject&, access::Memory&) override { return say(connect); }
  net::Task<access::Decision> check_helo(const access::Subject&, access::Memory&) override { return say(helo); }
  net::Task<access::Decision> check_mail(const access::Subject&, access::Memory&) override { return say(mail); }
  net::Task<access::Decision> check_rcpt(const access::Subject& subject, access::Memory&) override {
    last = subject;
    const auto known = recipients.find(subject.recipient.value_or(""));
    return say(known == recipients.end() ? access::Decision{} : known->second);
  }
  net::Task<access::Decision> check_etrn(const access::Subject&, access::Memory&) override { return say(etrn); }
  net::Task<access::Decision> check_data(const access::Subject&) override { return say(data); }
  net::Task<access::Decision> check_end_of_data(const access::Subject& subject) override {
    last = subject;
    return say(end_of_data);
  }
  bool has(ClientList list) const override { return lists.contains(list) || unreadable.contains(list); }
  net::Task<Result<bool>> is_listed(ClientList list, const access::Subject& subject) override {
    if (unreadable.contains(list)) co_return fail(Errc::unavailable, "a list: fail:x: table lookup problem");
    co_return lists[list].contains(subject.client_address);
  }
  net::Task<Result<bool>> may_omit_headers(const access::Subject&) override { co_return omit_headers; }
  bool filters_commands() const override { return !commands.empty(); }
  net::Task<Result<std::optional<std::string>>> replaced_command(std::string command) override {
    const auto found = commands.find(command);
    co_return found == commands.end() ? std::nullopt : std::optional(found->second);
  }
  net::Task<Result<std::optional<std::string>>> hidden_keywords(const access::Subject&) override { co_return hidden; }

  static access::Decision refusal(int code, std::string dsn, std::string text) {
    access::Decision out;
    out.kind = access::Decision::Kind::refuse;
    out.code = code;
    out.dsn = std::move(dsn);
    out.text = std::move(text);
    return out;
  }

  access::Decision connect, helo, mail, etrn, data, end_of_data;
  std::map<std::string, access::Decision> recipients;
  access::Subject last;
  std::map<ClientList, std::set<std::string>> lists;  // addresses
  Result<bool> omit_headers = false;
  std::set<ClientList> unreadable;
  Result<std::optional<std::string>> hidden;
  std::map<std::string, std::string> commands;

 private:
  static net::Task<access::Decision> say(access::Decision decision) { co_return decision; }
};

// Keeps messages in memory.
class FakeIntake final : public IntakePort {
 public:
  struct Stored {
    mail::Envelope envelope;
    std::string content;
    Arrival arrival;
  };

  QueueId next_id() override { return QueueId(0xABCDE, ++ids); }
  std::optional<smtp::Reply> check_space(std::uint64_t) override { return space; }
  std::unique_ptr<IncomingMessage> begin(mail::Envelope envelope, Arrival arrival) override {
    return std::make_unique<Incoming>(*this, Stored{std::move(envelope), {}, std::move(arrival)});
  }
  std::vector<Stored> messages() const {
    const std::lock_guard lock(mutex);
    return stored;
  }

  std::optional<smtp::Reply> space, append_refusal, finish_refusal;
  std::uint64_t ids = 0;
  std::atomic<int> abandoned{0};

 private:
  class Incoming final : public IncomingMessage {
   public:
    Incoming(FakeIntake& owner, Stored message) : owner_(owner), message_(std::move(message)) {}
    ~Incoming() override {
      if (!finished_) ++owner_.abandoned;
    }
    net::Task<std::optional<smtp::Reply>> append(std::string_view content) override {
      message_.content.append(content);
      co_return owner_.append_refusal;
    }
    net::Task<Verdict> finish() override {
      finished_ = true;
      if (owner_.finish_refusal) co_return Verdict{{}, owner_.finish_refusal};
      const QueueId id = message_.envelope.id;
      const std::lock_guard lock(owner_.mutex);
      owner_.stored.push_back(std::move(message_));
      co_return Verdict{id, std::nullopt};
    }

   private:
    FakeIntake& owner_;
    Stored message_;
    bool finished_ = false;
  };

  mutable std::mutex mutex;
  std::vector<Stored> stored;
};

// A server without a listener: every client() is one session.
class TestServer {
 public:
  TestServer() : threads(1) {
    service.settings.protocol.hostname = "mx.example";
    service.settings.protocol.banner = "mx.example ESMTP Postfix";
    service.settings.protocol.error_sleep_time = std::chrono::seconds{0};
    service.access = access;
    threads.start();
    on_thread([this] { group.emplace(threads[0]); });
  }
  ~TestServer() {
    on_thread([this] { group.reset(); });
    threads.stop();
  }

  TestClient client() {
    const auto [server_fd, client_fd] = loopback_pair();
    auto snapshot = std::make_shared<const Service>(service);
    on_thread([this, server_fd, &snapshot] {
      auto stream = net::Stream::adopt(threads[0], server_fd);
      WAYPOST_ASSERT(stream.has_value());
      group->spawn(serve(std::move(*stream), std::move(snapshot), environment, *group));
    });
    return TestClient(client_fd);
  }

  // A client behind its greeting and EHLO.
  TestClient greeted() {
    TestClient out = client();
    out.until("220");
    out.ask("EHLO c.example", "250");
    return out;
  }

  void on_thread(const std::function<void()>& work) {
    std::promise<void> done;
    threads[0].post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Waits until a line of the log contains `part`.
  bool logged(std::string_view part) const {
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    while (!log.contains(part)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
  }

  CapturingLog log;
  SystemClock clock;
  FakeIntake intake;
  NoNames names;
  SessionNumbers numbers;
  std::shared_ptr<FakeAccess> access = std::make_shared<FakeAccess>();
  Environment environment{log, clock, intake, names, numbers};
  Service service;
  net::IoThreads threads;
  std::optional<net::TaskGroup> group;
};

}  // namespace waypost::smtp_server
