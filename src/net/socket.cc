// Sockets below the Stream: options, errors, and the BIO through which OpenSSL uses a descriptor.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>

#include <cerrno>
#include <cstdint>

#include "base/assert.h"
#include "base/text.h"
#include "net/internal.h"

namespace waypost::net {

Error socket_error(int error) {
  switch (error) {
    case ECONNRESET:
    case EPIPE:
      return Error{Errc::closed, errno_text(error)};
    case ECONNREFUSED:
      return Error{Errc::refused, errno_text(error)};
    case ETIMEDOUT:
      return Error{Errc::timeout, errno_text(error)};
    case EAGAIN:
      return Error{Errc::unavailable, errno_text(error)};
    default:
      return Error{Errc::io, errno_text(error)};
  }
}

void tune_socket(int fd, int family) {
  if (family != AF_INET && family != AF_INET6) return;
  const int on = 1;
  // A refusal of either costs speed or a late notice of a dead peer, never correctness.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

namespace {

int descriptor_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  errno = 0;  // tells an end of stream (0) from an error afterwards
  const auto got = recv(descriptor_of(bio), into, static_cast<std::size_t>(size), 0);
  if (got < 0 && would_block(errno)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

int bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  errno = 0;
  const auto put = send(descriptor_of(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (put < 0 && would_block(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  WAYPOST_ASSERT(method != nullptr);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_ctrl(method, bio_ctrl);
  return method;
}

}  // namespace

BIO* make_socket_bio(int fd) {
  static const BIO_METHOD* const method = make_method();  // lives as long as the process
  BIO* bio = BIO_new(method);
  WAYPOST_ASSERT(bio != nullptr);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace waypost::net
