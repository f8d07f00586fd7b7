// What every text must start with to match an expression: "/^Subject: .*x/" can only match "Subject: ...". Comparing
// that first saves most of the work on tables of header checks. It never changes an answer: where it is not plain what
// an expression's matches start with, the prefix is empty.
#pragma once

#include <string>
#include <string_view>

namespace waypost::tables {

// Of an expression in POSIX extended or Perl syntax in which '^' matches at the start of the text only and blanks
// count.
std::string literal_prefix(std::string_view expression);

}  // namespace waypost::tables
