// What may be sent to: the classes of destinations of a configuration, and a recipient of each to ask for. Inside
// review/ only.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "review/relay_paths.h"
#include "review/relay_proof.h"
#include "routing/router.h"

namespace waypost::review {

// Whether a list holds a table that a network would have to be asked for.
bool asks_network(std::string_view list);

// Of the whole configuration, not of a listener. `router` must outlive it.
class Destinations {
 public:
  Destinations(Prober& prober, const config::Configuration& configuration, const routing::Router& router);

  // The question for a class; `absent` set: it has no domain.
  struct Question {
    Answer answer;
    std::string recipient;
    std::optional<routing::Route> route;
  };

  std::vector<Question> questions();

  // Top-level domains below which every domain is of the class, and mail for it goes on to another server: to send to
  // the class is to send to anywhere. Known after questions().
  const std::vector<std::string>& swallowed(DestinationClass destination) const {
    return swallowed_[static_cast<std::size_t>(destination)];
  }

 private:
  std::string value(std::string_view name) const { return view_.value(name).value_or(""); }
  std::optional<routing::AddressClass> class_of(const std::string& domain);
  bool is_passed_on(const std::string& recipient);
  std::vector<std::string> top_domains() const;
  void find_swallowed();
  Question symbolic(DestinationClass destination, routing::AddressClass address_class,
                    std::string_view transport) const;
  Question foreign();
  Question of_class(DestinationClass destination, const std::vector<std::string_view>& parameters);

  Prober& prober_;
  const config::Configuration& configuration_;
  const routing::Router& router_;
  config::View view_;
  bool is_symbolic_ = false;
  std::array<std::vector<std::string>, 3> swallowed_;
};

}  // namespace waypost::review
