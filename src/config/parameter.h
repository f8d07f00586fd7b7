// THE parameter table: every name of main.cf that Waypost knows, from parameters.tsv. Read by config alone; other
// modules get settings structs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace waypost::config {

enum class Type : unsigned char {
  text,
  flag,          // yes or no
  number,        // decimal
  size,          // bytes, decimal
  duration,      // a number and one of s m h d w; a bare number has the unit of the default
  list,          // words between commas and blanks
  tables,        // lookup tables, type:name
  restrictions,  // smtpd restriction list
  computed,      // the default comes from the machine or the process: myhostname, mynetworks ...
  legacy,        // an old name without a meaning of its own; other values may refer to it
};

enum class Status : unsigned char { honoured, no_effect, not_yet };

struct Parameter {
  std::string_view name;
  std::string_view default_value;  // unexpanded
  Type type = Type::text;
  Status status = Status::not_yet;
  std::string_view daemons;  // those of master.cf that read it, comma-separated; empty: all
  std::string_view why;      // for no_effect: one sentence
  std::string_view choices;  // comma-separated words when only those are values
  int tier = 5;
};

// Sorted by name.
std::span<const Parameter> all_parameters();

// The row of that very name, or null.
const Parameter* find_parameter(std::string_view name);

// NAME_destination_recipient_limit and its kin: one parameter for each delivery service. The row of the pattern
// (transport_...), or null; `service` is what stands for "transport".
struct TransportParameter {
  const Parameter* pattern = nullptr;
  std::string_view service;
};
std::optional<TransportParameter> find_transport_parameter(std::string_view name);
// The patterns, without "transport": "_destination_recipient_limit" ...
std::span<const std::string_view> transport_suffixes();

// Either of both.
const Parameter* find_any_parameter(std::string_view name);

// Values that hold macros of their run time and are not expanded when they are read.
bool is_raw(std::string_view name);

// Whether a text parameter may have an empty value.
bool may_be_empty(std::string_view name);

// The known name that was probably meant; empty when none is near.
std::string_view nearest_parameter(std::string_view name);
// The same among `names`.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> names);

}  // namespace waypost::config
