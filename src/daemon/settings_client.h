// The parts of read_client() that stand in files of their own.
#pragma once

#include "daemon/client_reader.h"
#include "smtp_client/settings.h"
#include "tables/registry.h"
#include "tls/policy.h"

namespace waypost::daemon {

// tls_high_cipherlist and its kin, for servers too.
tls::Tuning read_tls_tuning(config::Reader& reader);
smtp_client::TlsSettings read_client_tls(ClientReader& reader, tables::TableRegistry& registry);

}  // namespace waypost::daemon
