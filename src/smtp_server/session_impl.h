// The session's state; see session.h for what it promises. Inside smtp_server/ only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "smtp/data_decoder.h"
#include "smtp/line_reader.h"
#include "smtp/server_session.h"
#include "smtp_server/session.h"
#include "smtp_server/session_log.h"
#include "tls/peer.h"

namespace waypost::smtp_server {

// The last words to a client that we do not serve, and the end of TLS.
inline constexpr std::chrono::seconds kGoodbyeTimeout{10};
// Capacity that a session may keep for its replies while it waits.
inline constexpr std::size_t kIdleOutputBytes = 1024;

// The two ends of the connection, as the session believes them: the socket's, or what a load balancer says.
struct Ends {
  std::string client_address, client_port, server_address, server_port;
};
Ends ends_of(net::Stream& stream);
// Takes the load balancer's header off the stream (session_proxy.cc). nullopt: it did not come or says nothing; logged.
net::Task<std::optional<Ends>> read_proxy_header(net::Stream& stream, const ServiceSettings& settings, const Log& log);

class Session {
 public:
  Session(net::Stream stream, std::shared_ptr<const Service> service, Environment& environment, net::TaskGroup& group,
          Ends ends, ClientNames names);
  net::Task<void> run();

 private:
  enum class End : std::uint8_t { none, lost, timed_out, stopped };

  const ServiceSettings& settings() const { return service_->settings; }
  MonoTime deadline(std::chrono::seconds timeout) { return stream_.thread().now() + timeout; }

  // The connection. False: it is over, and end_ says how.
  net::Task<bool> flush();
  net::Task<bool> fill();
  void extend_deadline(std::size_t bytes);
  net::Task<bool> shake_hands();
  net::Task<void> await_command();
  void note(const Error& error);
  Transcript& transcript();
  void keep_replies();
  void tell_postmaster(std::string_view reason);
  void keep_input();
  void drop_input();
  std::string_view pending_before_greeting();

  // Who the client is and what it may do (session_client.cc).
  void identify();
  net::Task<bool> learn_lists();
  void say_data_error();
  bool listed(ClientList list) const { return lists_[static_cast<std::size_t>(list)]; }
  bool take_connection();
  bool is_over_rate(RateEvent event);
  std::optional<smtp::Reply> over_rate(smtp::Action asked);
  bool may_shake_hands() const;
  net::Task<smtp::Action> introduce();

  // The dialogue.
  net::Task<bool> admit();
  net::Task<bool> greet();
  net::Task<void> converse();
  net::Task<bool> filter_command(std::string line, std::string& out);
  net::Task<void> leave();
  net::Task<smtp::Action> answer(smtp::Action asked);
  net::Task<smtp::Action> check(smtp::Action asked);
  net::Task<std::optional<smtp::Reply>> begin_mail();
  net::Task<smtp::Action> receive();
  net::Task<smtp::Action> commit();
  net::Task<smtp::Action> start_tls();
  net::Task<smtp::Action> authenticate(bool first);
  net::Task<void> learn_mechanisms();
  net::Task<void> pause(std::chrono::seconds delay);

  void describe_subject(smtp::Action asked);
  std::optional<smtp::Reply> judge(const access::Decision& decision);
  bool remember_tls();
  bool is_certificate_missing(const tls::PeerStatus& peer);
  std::string received_lines(const tls::PeerStatus& peer) const;
  bool decode(smtp::DataDecoder& decoder, std::string_view& content);

  net::Stream stream_;
  std::shared_ptr<const Service> service_;
  Environment& environment_;
  net::TaskGroup& group_;
  SessionNumbers::Lease number_;
  SessionLog log_;
  smtp::ServerSession protocol_;
  smtp::LineReader reader_;
  Ends ends_;
  access::Subject subject_;
  access::Memory memory_;
  std::optional<net::Limiter::Lease> lease_;
  std::unique_ptr<Transcript> transcript_;  // made when there is something to keep
  std::array<bool, kClientLists> lists_{};  // by ClientList
  std::string client_range_;                // what its limits are counted by
  std::optional<bool> omits_headers_;       // as long as nothing changes about the client
  net::StopHook stop_hook_;

  std::string_view input_;  // received and not consumed: in the thread's scratch until the next await, or in carry_
  std::string carry_;
  MonoTime command_deadline_{};
  std::unique_ptr<IncomingMessage> message_;
  std::uint64_t content_bytes_ = 0;
  std::unique_ptr<AuthExchange> exchange_;
  std::string tls_lines_;
  std::string name_warning_;
  End end_ = End::none;
  bool waiting_for_command_ = false;
};

}  // namespace waypost::smtp_server
