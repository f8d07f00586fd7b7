// What a postconf command line asks for. Parsed once; the parts of the command only read it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/main_cf.h"

namespace waypost::tools {

enum class PostconfSubject : unsigned char {
  parameters,          // main.cf (the default, or -p)
  services,            // -M
  fields,              // -F
  service_parameters,  // -P
  table_types,         // -m
  lock_types,          // -l
  server_sasl,         // -a
  client_sasl,         // -A
  templates,           // -t
  expanded_templates,  // -b
  tls,                 // -T
};

enum class PostconfAction : unsigned char { show, show_defaults, show_set, edit, comment_out, remove };

struct PostconfRequest {
  PostconfSubject subject = PostconfSubject::parameters;
  PostconfAction action = PostconfAction::show;
  bool fold = false;                                        // -f
  bool expand = false;                                      // -x
  bool hide_names = false;                                  // -h
  bool hide_values = false;                                 // -H
  bool builtin = true, of_services = true, of_user = true;  // -C
  std::string directory;                                    // -c; empty: the usual one
  std::string tls_topic;                                    // -T
  std::vector<config::NameValue> overrides;                 // -o
  std::vector<std::string> words;                           // the rest

  bool edits() const {
    return action == PostconfAction::edit || action == PostconfAction::comment_out || action == PostconfAction::remove;
  }
};

// Errors carry Postfix's text; usage errors too.
Result<PostconfRequest> parse_postconf_request(int argc, char** argv);

}  // namespace waypost::tools
