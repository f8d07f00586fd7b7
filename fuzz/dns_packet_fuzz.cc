// Name server responses. The first byte chooses the question's type, the rest is the message.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/packet.h"

namespace {

using waypost::dns::Answer;
using waypost::dns::Status;
using waypost::dns::Type;

constexpr Type kTypes[] = {Type::a, Type::ptr, Type::mx, Type::txt, Type::aaaa, Type::srv, Type::tlsa};

std::size_t record_count(const Answer& answer) {
  return answer.addresses.size() + answer.mx.size() + answer.names.size() + answer.texts.size() + answer.srv.size() +
         answer.tlsa.size();
}

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Type type = kTypes[data[0] % std::size(kTypes)];
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Answer answer = waypost::dns::parse_response(message, "example.com", type);
  check((answer.status == Status::ok) == (record_count(answer) > 0));
  check((answer.status == Status::ok) == answer.failure.empty());
  check(record_count(answer) <= waypost::dns::kMaxAnswerRecords);
  check(answer.status != Status::bogus);
  // Text that is a name survives the way into wire form; names are bounded.
  const auto wire = waypost::dns::encode_name(message.substr(0, 1024));
  check(!wire || wire->size() <= waypost::dns::kMaxNameBytes);
  return 0;
}
