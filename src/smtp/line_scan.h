// The inner loop of message content: finds the first byte that cannot be passed on as it is. Content that was written
// as RFC 5321 §2.3.8 wants it has none but the dots at line starts, so that a whole read is one piece.
//
// Works on 64 bytes at a time. Pure; reads nothing outside [begin, end).
#pragma once

namespace waypost::smtp {

// The first of, in [begin, end): a '.' that begins a line; an LF without CR before it; a CR without LF after it (also a
// CR that is the last byte, since what follows is not known). `end` when there is none. `at_line_start`: `begin` is the
// first byte of a line. The byte before `begin` must not be a CR that waits for its LF.
const char* find_irregular(const char* begin, const char* end, bool at_line_start);

}  // namespace waypost::smtp
