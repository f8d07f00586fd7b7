// One exchange in GNU SASL, owned: finished, and its copies of the password wiped, when it goes. For sasl/ only.
// One thread at a time. Nothing here logs.
#pragma once

#include <gsasl.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace waypost::sasl::detail {

// Wipes and empties.
void wipe(std::string& text);

class GsaslSession {
 public:
  enum class Role : unsigned char { client, server };

  // `mechanism` in upper case. Check ok() before use: false when this library was built without the mechanism.
  GsaslSession(Role role, const char* mechanism);
  ~GsaslSession();
  GsaslSession(const GsaslSession&) = delete;
  GsaslSession& operator=(const GsaslSession&) = delete;

  bool ok() const { return session_ != nullptr; }
  void set(Gsasl_property property, std::string_view value);
  // Up to the first NUL; nullopt when the exchange has not brought it.
  std::optional<std::string_view> get(Gsasl_property property) const;

  // GSASL_OK, GSASL_NEEDS_MORE, or an error. `output` takes the place of what it held, which is wiped.
  int step(std::string_view input, std::string& output);

 private:
  static int on_callback(Gsasl* library, Gsasl_session* session, Gsasl_property property);

  Gsasl* library_ = nullptr;
  Gsasl_session* session_ = nullptr;
};

}  // namespace waypost::sasl::detail
