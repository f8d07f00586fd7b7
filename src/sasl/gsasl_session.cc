#include "sasl/gsasl_session.h"

#include <openssl/crypto.h>

namespace waypost::sasl::detail {

void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

GsaslSession::GsaslSession(Role role, const char* mechanism) {
  if (gsasl_init(&library_) != GSASL_OK) {
    library_ = nullptr;
    return;
  }
  gsasl_callback_set(library_, &GsaslSession::on_callback);
  const int started = role == Role::client ? gsasl_client_start(library_, mechanism, &session_)
                                           : gsasl_server_start(library_, mechanism, &session_);
  if (started != GSASL_OK) session_ = nullptr;
}

GsaslSession::~GsaslSession() {
  if (session_ != nullptr) {
    // The library frees its copy without wiping it; the bytes are ours to clear until then.
    const char* kept = gsasl_property_fast(session_, GSASL_PASSWORD);
    if (kept != nullptr) OPENSSL_cleanse(const_cast<char*>(kept), std::string_view(kept).size());
    gsasl_finish(session_);
  }
  if (library_ != nullptr) gsasl_done(library_);
}

// The server's only question is whether a name and password are right. That is decided outside, later: the exchange
// ends here, with what the client said. Everything a client exchange needs has been set before.
int GsaslSession::on_callback(Gsasl*, Gsasl_session*, Gsasl_property property) {
  return property == GSASL_VALIDATE_SIMPLE ? GSASL_OK : GSASL_NO_CALLBACK;
}

void GsaslSession::set(Gsasl_property property, std::string_view value) {
  gsasl_property_set_raw(session_, property, value.data(), value.size());
}

std::optional<std::string_view> GsaslSession::get(Gsasl_property property) const {
  const char* value = gsasl_property_fast(session_, property);
  if (value == nullptr) return std::nullopt;
  return std::string_view(value);
}

int GsaslSession::step(std::string_view input, std::string& output) {
  char* made = nullptr;
  std::size_t size = 0;
  const int status = gsasl_step(session_, input.data(), input.size(), &made, &size);
  wipe(output);
  if (made != nullptr) {
    if (status == GSASL_OK || status == GSASL_NEEDS_MORE) output.assign(made, size);
    OPENSSL_cleanse(made, size);
    gsasl_free(made);
  }
  return status;
}

}  // namespace waypost::sasl::detail
