// Text in braces, as Postfix's lists and inline tables write it.
#pragma once

#include <optional>
#include <string_view>

namespace waypost::tables {

// The length of "{...}" at the start of `text`, braces included; 0 when it does not start with one or does not close.
std::size_t balanced_length(std::string_view text);

// "{ text }" -> "text", blanks inside the braces stripped. nullopt unless the braces hold all of it.
std::optional<std::string_view> strip_braces(std::string_view text);

// Takes the next word off `text`: words end at a comma or blank outside braces. nullopt at the end.
std::optional<std::string_view> next_word(std::string_view& text);

}  // namespace waypost::tables
