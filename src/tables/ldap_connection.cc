#include "tables/ldap_connection.h"

#include <fmt/format.h>
#include <sasl/sasl.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <utility>

namespace waypost::tables {
namespace {

// The library waits by itself; between these pieces we see whether the relay stops.
constexpr std::chrono::milliseconds kSlice{200};

timeval to_timeval(std::chrono::milliseconds time) {
  return {.tv_sec = static_cast<time_t>(time.count() / 1000),
          .tv_usec = static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

// The library takes texts that it does not change as char*.
char* mutable_text(const std::string& text) { return const_cast<char*>(text.c_str()); }

int answer_prompts(LDAP*, unsigned, void* defaults, void* prompts) {
  const auto& settings = *static_cast<const LdapSettings*>(defaults);
  for (auto* prompt = static_cast<sasl_interact_t*>(prompts); prompt->id != SASL_CB_LIST_END; ++prompt) {
    std::string_view text;
    if (prompt->id == SASL_CB_GETREALM) text = settings.sasl_realm;
    if (prompt->id == SASL_CB_AUTHNAME) text = settings.bind_dn;
    if (prompt->id == SASL_CB_USER) text = settings.sasl_authorization;
    if (prompt->id == SASL_CB_PASS) text = settings.bind_password.reveal();
    prompt->result = text.data() != nullptr ? text.data() : "";
    prompt->len = static_cast<unsigned>(text.size());
  }
  return LDAP_SUCCESS;
}

}  // namespace

Result<> LdapConnection::open(const Patience& patience) {
  LDAP* made = nullptr;
  if (::ldap_initialize(&made, settings_->servers.c_str()) != LDAP_SUCCESS) {
    return fail(Errc::unavailable, fmt::format("Unable to init LDAP server {}", settings_->servers));
  }
  handle_.reset(made);
  if (auto set = set_options(patience); !set) return set;
  if (settings_->start_tls) {
    if (const int status = ::ldap_start_tls_s(handle_.get(), nullptr, nullptr); status != LDAP_SUCCESS) {
      return fail(Errc::unavailable,
                  fmt::format("dict_ldap_connect: Unable to set STARTTLS: {}: {}", status, ::ldap_err2string(status)));
    }
  }
  if (settings_->bind == LdapSettings::Bind::none) return {};
  const int status = settings_->bind == LdapSettings::Bind::sasl ? bind_with_sasl() : bind(patience);
  if (status == LDAP_SUCCESS) return {};
  return fail(Errc::unavailable,
              fmt::format("dict_ldap_connect: Unable to bind to server {} with dn {}: {} ({})", settings_->servers,
                          settings_->bind_dn.empty() ? "empty or implicit" : settings_->bind_dn, status,
                          ::ldap_err2string(status)));
}

Result<> LdapConnection::set_options(const Patience& patience) {
  const timeval limit = to_timeval(patience.left());
  const std::array<std::pair<int, const void*>, 6> options = {{
      {LDAP_OPT_NETWORK_TIMEOUT, &limit},
      {LDAP_OPT_TIMEOUT, &limit},
      {LDAP_OPT_PROTOCOL_VERSION, &settings_->version},
      {LDAP_OPT_SIZELIMIT, &settings_->size_limit},
      {LDAP_OPT_DEREF, &settings_->dereference},
      {LDAP_OPT_REFERRALS, settings_->chase_referrals ? LDAP_OPT_ON : LDAP_OPT_OFF},
  }};
  for (const auto& [option, value] : options) {
    if (::ldap_set_option(handle_.get(), option, value) != LDAP_OPT_SUCCESS) {
      return fail(Errc::unavailable, fmt::format("{}: Unable to set LDAP option {}", settings_->table, option));
    }
  }
  return settings_->uses_tls ? set_tls_options() : Result<>();
}

Result<> LdapConnection::set_tls_options() {
  const std::array<std::pair<int, const std::string*>, 5> files = {{
      {LDAP_OPT_X_TLS_CACERTFILE, &settings_->tls_ca_file},
      {LDAP_OPT_X_TLS_CACERTDIR, &settings_->tls_ca_directory},
      {LDAP_OPT_X_TLS_CERTFILE, &settings_->tls_certificate},
      {LDAP_OPT_X_TLS_KEYFILE, &settings_->tls_key},
      {LDAP_OPT_X_TLS_CIPHER_SUITE, &settings_->tls_cipher_suite},
  }};
  for (const auto& [option, text] : files) {
    if (!text->empty() && ::ldap_set_option(handle_.get(), option, text->c_str()) != LDAP_OPT_SUCCESS) {
      return fail(Errc::unavailable, fmt::format("{}: Unable to use {} for TLS", settings_->table, *text));
    }
  }
  const int require = settings_->tls_require_certificate ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;
  const int as_server = 0;
  if (::ldap_set_option(handle_.get(), LDAP_OPT_X_TLS_REQUIRE_CERT, &require) != LDAP_OPT_SUCCESS ||
      ::ldap_set_option(handle_.get(), LDAP_OPT_X_TLS_NEWCTX, &as_server) != LDAP_OPT_SUCCESS) {
    return fail(Errc::unavailable, fmt::format("{}: Unable to allocate new TLS context", settings_->table));
  }
  return {};
}

int LdapConnection::bind(const Patience& patience) {
  std::string password(settings_->bind_password.reveal());
  berval credentials{password.size(), password.data()};
  int operation = 0;
  int status = ::ldap_sasl_bind(handle_.get(), settings_->bind_dn.c_str(), LDAP_SASL_SIMPLE, &credentials, nullptr,
                                nullptr, &operation);
  if (status != LDAP_SUCCESS) return status;
  const auto reply = next(operation, patience, status);
  if (reply == nullptr) return status;
  int answer = LDAP_SUCCESS;
  status = ::ldap_parse_result(handle_.get(), reply.get(), &answer, nullptr, nullptr, nullptr, nullptr, 0);
  return status == LDAP_SUCCESS ? answer : status;
}

int LdapConnection::bind_with_sasl() {
  const auto strength = fmt::format("minssf={}", settings_->sasl_min_strength);
  if (const int status = ::ldap_set_option(handle_.get(), LDAP_OPT_X_SASL_SECPROPS, strength.c_str());
      status != LDAP_OPT_SUCCESS) {
    return status;
  }
  return ::ldap_sasl_interactive_bind_s(handle_.get(), nullptr, settings_->sasl_mechanisms.c_str(), nullptr, nullptr,
                                        LDAP_SASL_QUIET, answer_prompts, const_cast<LdapSettings*>(settings_.get()));
}

LdapMessage LdapConnection::next(int operation, const Patience& patience, int& status) {
  while (true) {
    timeval limit = to_timeval(std::min(kSlice, patience.left()));
    LDAPMessage* message = nullptr;
    const int type = ::ldap_result(handle_.get(), operation, LDAP_MSG_ONE, &limit, &message);
    if (type > 0) return LdapMessage(message);
    if (type < 0) {
      if (::ldap_get_option(handle_.get(), LDAP_OPT_RESULT_CODE, &status) != LDAP_OPT_SUCCESS) status = LDAP_OTHER;
      return nullptr;
    }
    if (patience.is_over()) {
      ::ldap_abandon_ext(handle_.get(), operation, nullptr, nullptr);
      status = LDAP_TIMEOUT;
      return nullptr;
    }
  }
}

LdapConnection::Found LdapConnection::search(const Search& search, const Patience& patience) {
  std::vector<char*> attributes;
  for (const auto& name : search.attributes) attributes.push_back(mutable_text(name));
  attributes.push_back(nullptr);
  Found found;
  timeval limit = to_timeval(patience.left());
  int operation = 0;
  constexpr int kWithValues = 0, kSizeLimitOfHandle = -1;
  found.status =
      ::ldap_search_ext(handle_.get(), search.base.c_str(), search.scope, search.filter.c_str(), attributes.data(),
                        kWithValues, nullptr, nullptr, &limit, kSizeLimitOfHandle, &operation);
  if (found.status != LDAP_SUCCESS) return found;
  while (true) {
    auto message = next(operation, patience, found.status);
    if (message == nullptr) return found;
    const int type = ::ldap_msgtype(message.get());
    if (type == LDAP_RES_SEARCH_ENTRY) {
      found.entries.push_back(std::move(message));
      if (found.entries.size() <= kMaxEntries) continue;
      ::ldap_abandon_ext(handle_.get(), operation, nullptr, nullptr);
      found.status = LDAP_SIZELIMIT_EXCEEDED;
      return found;
    }
    if (type != LDAP_RES_SEARCH_RESULT) continue;
    int answer = LDAP_SUCCESS;
    const int status =
        ::ldap_parse_result(handle_.get(), message.get(), &answer, nullptr, nullptr, nullptr, nullptr, 0);
    found.status = answer != LDAP_SUCCESS ? answer : status;
    return found;
  }
}

}  // namespace waypost::tables
