// Result<T>: the answer of everything that can fail because of the environment (disk, network, configuration).
// An answer of the peer (an SMTP reply, a delivery outcome) is a value of its own, never an Error.
// No exception crosses a module border; libraries that throw are wrapped where they are called.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace waypost {

enum class Errc : unsigned char {
  invalid,      // the input breaks its grammar or a limit
  not_found,    // the thing asked for does not exist
  exists,       // it is there already
  io,           // the operating system said no (errno text in the context)
  no_space,     // disk full, out of inodes or quota: may pass by itself
  timeout,      // the deadline passed
  closed,       // the peer closed the connection, or the object was stopped
  refused,      // the peer or the policy said no
  unavailable,  // temporary: try again later
  tls,          // handshake, certificate or TLS protocol failure
  corrupt,      // stored data does not check
  unsupported,  // known, but not built in
};

// What failed, in words an operator understands: names the file, line, parameter or peer.
struct [[nodiscard]] Error {
  Errc code = Errc::invalid;
  std::string text;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string text) {
  return std::unexpected<Error>(Error{code, std::move(text)});
}

}  // namespace waypost
