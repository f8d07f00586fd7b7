// The keys under which each kind of table is searched, in Postfix's order. Plain functions: give the result to
// TableList::find_first. An address whose local part needs quotes is tried in its quoted form first, then as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tables/table_list.h"

namespace waypost::tables {

struct AddressKeyOptions {
  std::string_view recipient_delimiter;  // a set of characters; the first of them in the local part counts
  bool domain_is_local = false;          // the domain is $myorigin, in $mydestination or an own address: try "user" too
};

// canonical, virtual, relocated, generic, *_bcc, *_recipient_maps, sender-dependent maps: user+ext@dom, user@dom,
// (local: user+ext, user,) @dom.
std::vector<Key> mail_address_keys(std::string_view address, const AddressKeyOptions& options);

// transport_maps: user+ext@dom, user@dom, dom, .parent ..., without the wildcard "*".
std::vector<Key> transport_keys(std::string_view address, std::string_view recipient_delimiter, bool parents_match);

// access(5) by address: user+ext@dom, user@dom, dom and parents, user+ext@, user@.
std::vector<Key> access_address_keys(std::string_view address, std::string_view recipient_delimiter,
                                     bool parents_match);

// access(5) by host name, smtp_tls_policy_maps by domain: dom, then its parents ("parent" when `parents_match`, else
// ".parent").
std::vector<Key> domain_keys(std::string_view domain, bool parents_match);

// access(5) by client address: 1.2.3.4, 1.2.3, 1.2, 1; IPv6 by dropping groups from the right.
std::vector<Key> client_address_keys(std::string_view address);

// "user+ext" -> "user"; the whole when there is no extension. Never empties the name; addresses of the mail system
// (mailer-daemon, double-bounce, postmaster ...) and owner- / -request names keep their '-'.
std::string_view without_extension(std::string_view local_part, std::string_view recipient_delimiter);

// True when RFC 5321 §4.1.2 wants the local part as a Quoted-string.
bool needs_quotes(std::string_view local_part);

}  // namespace waypost::tables
