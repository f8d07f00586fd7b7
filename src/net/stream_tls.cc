// The TLS half of Stream: each OpenSSL call is one attempt on the non-blocking descriptor, and what it wants decides
// what is waited for; so a write may wait for input and a read for output.
#include <cerrno>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/assert.h"
#include "base/text.h"
#include "net/internal.h"

namespace waypost::net {

namespace {

// OpenSSL's words, as Postfix prints them: "error:0A000086:SSL routines::certificate verify failed". The rest of the
// queue is dropped.
std::string openssl_words() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  char words[256];
  ERR_error_string_n(code, words, sizeof words);
  return words;
}

}  // namespace

namespace detail {

bool tls_has_pending(const StreamState& state) { return SSL_has_pending(state.ssl) == 1; }

// What an OpenSSL call that returned `outcome` <= 0 needs or suffers from: nullopt means wait for state.want.
std::optional<Error> tls_outcome(StreamState& state, int outcome) {
  const int saved_errno = errno;
  switch (SSL_get_error(state.ssl, outcome)) {
    case SSL_ERROR_WANT_READ:
      state.want = Want::read;
      return std::nullopt;
    case SSL_ERROR_WANT_WRITE:
      state.want = Want::write;
      return std::nullopt;
    case SSL_ERROR_ZERO_RETURN:
      return Error{Errc::closed, "end of file"};
    case SSL_ERROR_SYSCALL:
      state.ended = Ended::closed;
      ERR_clear_error();
      if (saved_errno == 0) return Error{Errc::closed, "end of file without close_notify"};
      return socket_error(saved_errno);
    default:
      break;
  }
  state.ended = Ended::closed;  // neither reading nor close_notify are allowed any more
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return Error{Errc::closed, "end of file without close_notify"};
  }
  return Error{Errc::tls, openssl_words()};
}

bool ReadSome::attempt_tls() {
  ERR_clear_error();
  std::size_t got = 0;
  const int outcome = SSL_read_ex(state_->ssl, into_.data(), into_.size(), &got);
  if (outcome > 0) {
    result_ = got;
    return true;
  }
  auto error = tls_outcome(*state_, outcome);
  return error && failed(std::move(*error));
}

bool WriteAll::attempt_tls() {
  while (true) {
    advance(0);
    if (pieces_.empty()) return true;
    const std::string_view record = next_record();
    ERR_clear_error();
    std::size_t put = 0;
    const int outcome = SSL_write_ex(state_->ssl, record.data(), record.size(), &put);
    if (outcome > 0) {
      advance(put);
      continue;
    }
    auto error = tls_outcome(*state_, outcome);
    return error && failed(std::move(*error));
  }
}

bool Handshake::attempt() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(state_->ssl);
  if (outcome == 1) {
    state_->encrypted = true;
    return true;
  }
  auto error = tls_outcome(*state_, outcome);
  return error && failed(std::move(*error));
}

bool CloseNotify::attempt() {
  ERR_clear_error();
  const int outcome = SSL_shutdown(state_->ssl);
  if (outcome >= 0) return true;  // ours is sent; the peer's may come or not
  auto error = tls_outcome(*state_, outcome);
  return error && failed(std::move(*error));
}

}  // namespace detail

detail::Handshake Stream::handshake(SSL* ssl, TlsRole role, MonoTime deadline) {
  if (state_ == nullptr || !state_->usable()) {
    SSL_free(ssl);
    return {nullptr, deadline};
  }
  WAYPOST_ASSERT(ssl != nullptr && state_->ssl == nullptr);
  BIO* const bio = make_socket_bio(fd());
  SSL_set_bio(ssl, bio, bio);
  // An idle connection gives its 16 KiB record buffers back; a full record is read with one system call.
  SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_read_ahead(ssl, 1);
  SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  role == TlsRole::server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  state_->ssl = ssl;
  return {state_, deadline};
}

}  // namespace waypost::net
