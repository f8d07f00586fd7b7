// A non-blocking TCP connection, plain or TLS, registered with an epoll instance under a number.
// The owner asks for input, queues output and is told what happened; a channel that failed is closed and stays so.
// One thread.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace waypost::bench {

// What became of a non-blocking step.
enum class Step : unsigned char { done, pending, failed };

class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() { close(); }

  // Takes the descriptor; events arrive at `epoll` with data.u64 == tag.
  void open(int descriptor, int epoll, std::uint64_t tag);
  bool is_open() const { return descriptor_ >= 0; }
  // Under TLS says close_notify first. What is still queued is dropped.
  void close();

  // Nothing that was read before counts afterwards; call handshake() until it is done or failed.
  void start_tls(SSL_CTX* context, bool as_server, std::string_view server_name = {});
  Step handshake();
  bool handshaking() const { return handshaking_; }
  bool encrypted() const { return ssl_ != nullptr && !handshaking_; }
  bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }
  SSL* ssl() const { return ssl_; }

  // Appends one read's worth. done: there may be more; pending: nothing now; failed: the peer is gone.
  Step receive(std::string& into);

  void queue(std::string_view bytes) { out_ += bytes; }
  // Goes out after what is queued, without a copy: it must live until everything is flushed. One at a time.
  void queue_borrowed(std::string_view bytes) { borrowed_ = bytes; }
  bool has_output() const { return sent_ < out_.size() || !borrowed_.empty(); }
  Step flush();

  // For a connection that is being made: an event comes when it stands or failed; connect_error() tells which (errno).
  void wait_writable();
  int connect_error() const;

  // Stop or go on asking for input (a paused peer still shows errors). Output interest is kept by flush().
  void pause_input(bool paused);

 private:
  Step write_some(std::size_t& written);
  Step tls_status(int result, const char* what);
  void consume(std::size_t count);
  void watch(std::uint32_t events);

  int descriptor_ = -1, epoll_ = -1;
  std::uint64_t tag_ = 0;
  std::uint32_t watched_ = 0;
  bool registered_ = false, handshaking_ = false, input_paused_ = false;
  SSL* ssl_ = nullptr;
  std::string out_;
  std::size_t sent_ = 0;
  std::string_view borrowed_;
};

// A listening IPv4 socket on `port` (0: any free one, written back). -1 with a message on stderr when it cannot be had.
int listen_on(const std::string& host, int& port, int backlog);
// For as many descriptors as the hard limit allows.
void raise_descriptor_limit();

}  // namespace waypost::bench
