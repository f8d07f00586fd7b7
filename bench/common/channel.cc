#include "common/channel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace waypost::bench {

namespace {

constexpr std::size_t kReadSize = 128 * 1024;
constexpr std::size_t kTlsRecord = 16 * 1024;

}  // namespace

void Channel::open(int descriptor, int epoll, std::uint64_t tag) {
  close();
  descriptor_ = descriptor;
  epoll_ = epoll;
  tag_ = tag;
  const int one = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void Channel::close() {
  if (ssl_ != nullptr) {
    if (!handshaking_) SSL_shutdown(ssl_);
    ERR_clear_error();
    SSL_free(ssl_);
    ssl_ = nullptr;
  }
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  watched_ = 0;
  registered_ = handshaking_ = input_paused_ = false;
  out_.clear();
  sent_ = 0;
  borrowed_ = {};
}

void Channel::start_tls(SSL_CTX* context, bool as_server, std::string_view server_name) {
  ssl_ = SSL_new(context);
  SSL_set_fd(ssl_, descriptor_);
  if (as_server) {
    SSL_set_accept_state(ssl_);
  } else {
    SSL_set_connect_state(ssl_);
    SSL_set_read_ahead(ssl_, 1);  // one recv for a record, not two; a client reads to the end each time
    if (!server_name.empty()) SSL_set_tlsext_host_name(ssl_, std::string(server_name).c_str());
  }
  handshaking_ = true;
}

Step Channel::handshake() {
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) return tls_status(result, "handshake");
  handshaking_ = false;
  watch(EPOLLIN);
  return Step::done;
}

// Maps an OpenSSL result to a step and asks epoll for what OpenSSL waits for.
Step Channel::tls_status(int result, const char*) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      watch(EPOLLIN);
      return Step::pending;
    case SSL_ERROR_WANT_WRITE:
      watch(EPOLLIN | EPOLLOUT);
      return Step::pending;
    default:
      ERR_clear_error();
      return Step::failed;
  }
}

Step Channel::receive(std::string& into) {
  static thread_local std::array<char, kReadSize> buffer;
  if (!encrypted()) {
    const ssize_t count = recv(descriptor_, buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Step::pending;
    if (count <= 0) return Step::failed;
    into.append(buffer.data(), static_cast<std::size_t>(count));
    return Step::done;
  }
  const int count = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
  if (count <= 0) {
    const int error = SSL_get_error(ssl_, count);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Step::pending;
    ERR_clear_error();
    return Step::failed;
  }
  into.append(buffer.data(), static_cast<std::size_t>(count));
  return Step::done;
}

Step Channel::flush() {
  while (has_output()) {
    std::size_t written = 0;
    const Step step = write_some(written);
    if (step != Step::done) return step;
    consume(written);
  }
  out_.clear();
  sent_ = 0;
  watch(input_paused_ ? 0 : EPOLLIN);
  return Step::done;
}

Step Channel::write_some(std::size_t& written) {
  if (ssl_ == nullptr) {
    std::array<iovec, 2> pieces{};
    int count = 0;
    if (sent_ < out_.size()) pieces[static_cast<std::size_t>(count++)] = {out_.data() + sent_, out_.size() - sent_};
    if (!borrowed_.empty())
      pieces[static_cast<std::size_t>(count++)] = {const_cast<char*>(borrowed_.data()), borrowed_.size()};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = static_cast<std::size_t>(count);
    const ssize_t result = sendmsg(descriptor_, &message, MSG_NOSIGNAL);
    if (result >= 0) {
      written = static_cast<std::size_t>(result);
      return Step::done;
    }
    if (errno != EAGAIN && errno != EINTR) return Step::failed;
    watch(EPOLLIN | EPOLLOUT);
    return Step::pending;
  }
  // a short head is topped up, so that it does not travel in a TLS record of its own
  if (sent_ < out_.size() && !borrowed_.empty() && out_.size() - sent_ < kTlsRecord / 2) {
    const std::size_t extra = std::min(kTlsRecord - (out_.size() - sent_), borrowed_.size());
    out_.append(borrowed_.substr(0, extra));
    borrowed_.remove_prefix(extra);
  }
  const std::string_view next =
      sent_ < out_.size() ? std::string_view(out_).substr(sent_) : borrowed_.substr(0, kTlsRecord);
  const int result = SSL_write(ssl_, next.data(), static_cast<int>(next.size()));
  if (result <= 0) return tls_status(result, "write");
  written = static_cast<std::size_t>(result);
  return Step::done;
}

void Channel::consume(std::size_t count) {
  const std::size_t own = std::min(count, out_.size() - sent_);
  sent_ += own;
  borrowed_.remove_prefix(std::min(count - own, borrowed_.size()));
}

void Channel::wait_writable() { watch(EPOLLOUT); }

int Channel::connect_error() const {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

void Channel::pause_input(bool paused) {
  input_paused_ = paused;
  watch(paused ? 0 : EPOLLIN);
}

void Channel::watch(std::uint32_t events) {
  if (registered_ && watched_ == events) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag_;
  epoll_ctl(epoll_, registered_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor_, &event);
  registered_ = true;
  watched_ = events;
}

int listen_on(const std::string& host, int& port, int backlog) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  socklen_t length = sizeof address;
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1 ||
      bind(descriptor, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(descriptor, backlog) != 0 ||
      getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::fprintf(stderr, "cannot listen on %s:%d: %s\n", host.c_str(), port, std::strerror(errno));
    if (descriptor >= 0) ::close(descriptor);
    return -1;
  }
  port = ntohs(address.sin_port);
  return descriptor;
}

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace waypost::bench
