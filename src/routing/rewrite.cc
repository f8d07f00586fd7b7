#include "routing/rewrite.h"

#include "tables/keys.h"

namespace waypost::routing {
namespace {

constexpr auto kNone = std::string_view::npos;

// An address that has no '@'.
std::string give_domain(std::string_view address, const RewriteSettings& settings) {
  const bool shows_operators = !tables::needs_quotes(address);
  if (const auto bang = address.find('!'); settings.swap_bangpath && shows_operators && bang != kNone) {
    return std::string(address.substr(bang + 1)) + "@" + std::string(address.substr(0, bang));
  }
  std::string complete(address);
  if (const auto percent = address.rfind('%'); settings.allow_percent_hack && shows_operators && percent != kNone) {
    complete[percent] = '@';
  } else if (settings.append_at_myorigin && !settings.myorigin.empty()) {
    complete += "@" + settings.myorigin;
  }
  return complete;
}

bool lacks_parent(std::string_view domain) {
  return !domain.empty() && domain.find('.') == kNone && domain.find('[') == kNone;
}

}  // namespace

std::string rewrite(std::string_view address, const RewriteSettings& settings) {
  if (address.empty() || address == "@") return {};
  std::string complete = address.find('@') == kNone ? give_domain(address, settings) : std::string(address);
  const auto at = complete.rfind('@');
  if (at == kNone) return complete;
  if (settings.append_dot_mydomain && !settings.mydomain.empty() &&
      lacks_parent(std::string_view(complete).substr(at + 1))) {
    complete += "." + settings.mydomain;
  }
  return without_trailing_dot(std::move(complete));
}

std::string without_trailing_dot(std::string address) {
  const bool ends_in_name_and_dot =
      address.size() > 1 && address.ends_with('.') && !address.ends_with("..") && !address.ends_with("@.");
  if (ends_in_name_and_dot && address.find('@') != std::string::npos) address.pop_back();
  return address;
}

}  // namespace waypost::routing
