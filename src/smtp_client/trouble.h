// Trouble: a delivery::Failure with owned text, as it travels from where it is found to where it is judged. Pure.
#pragma once

#include <string>

#include "delivery/verdict.h"
#include "smtp/client_session.h"

namespace waypost::smtp_client {

struct Trouble {
  delivery::Stage stage = delivery::Stage::connect;
  delivery::Cause cause = delivery::Cause::temporary;
  std::string dsn;    // of our own findings; of the reply when there is one
  std::string text;   // what is logged
  int code = 0;       // the reply's
  std::string reply;  // the server's words; empty when it said nothing

  // What the policy wants to know; points into *this.
  delivery::Failure failure() const;
};

Trouble from_session(const smtp::ClientFailure& failure);

}  // namespace waypost::smtp_client
