// How Postfix names its queue files, and where they stand. Pure.
//
// Short names are five hexadecimal digits of microseconds and the inode number in hexadecimal, as our own queue ids
// are. Long ones (enable_long_queue_ids) are seconds and microseconds in base 52 and, behind a 'z', the inode number in
// base 51; digits are 0-9, then consonants of either case.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/queue_id.h"

namespace waypost::postfix_queue {

inline constexpr std::size_t kMaxNameBytes = 255;
// Ids count on from the highest that is there, so one that is taken over must leave room above itself.
inline constexpr std::uint64_t kMaxTakenNumber = std::uint64_t{1} << 40;

// Letters, digits and '_' only: everything else in a queue folder is a file under construction, or none of Postfix's.
bool is_queue_name(std::string_view name);

// The same id in our form: a short name as it stands, a long one without its seconds. nullopt: no id, or one whose
// number is out of range.
std::optional<QueueId> to_queue_id(std::string_view name);

// The name that Postfix would give to a file that arrived then and has this inode number.
std::string short_name(std::uint32_t microseconds, std::uint64_t inode);

// The subfolder of a hashed queue, with a '/' at its end: "A/", at depth 2 "A/B/"; empty at depth 0.
std::string hash_folder(std::string_view name, unsigned depth);

}  // namespace waypost::postfix_queue
