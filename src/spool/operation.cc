#include "spool/operation.h"

#include "spool/crc32c.h"

namespace waypost::spool {

void finish(Operation& operation) {
  RecordHeader& header = operation.header;
  header.meta_size = static_cast<std::uint32_t>(operation.meta.size()) - header.progress_size;
  header.meta_sum = crc32c(operation.meta);
  header.body_size = static_cast<std::uint32_t>(operation.body.size());
  header.body_sum = crc32c(operation.body);
}

Operation make_progress(QueueId id, Catalogue::State state) {
  Operation operation;
  operation.header.type = RecordType::progress;
  operation.header.id = id.bits();
  operation.header.progress_size = static_cast<std::uint32_t>(state->size());
  operation.meta = *state;
  operation.state = std::move(state);
  finish(operation);
  return operation;
}

Operation make_removal(QueueId id, std::vector<std::uint32_t> targets) {
  Operation operation;
  operation.header.type = RecordType::removal;
  operation.header.id = id.bits();
  operation.meta = encode_removal(targets);
  operation.targets = std::move(targets);
  finish(operation);
  return operation;
}

Operation make_abort(AbortMark mark) {
  Operation operation;
  operation.header.type = RecordType::abort;
  operation.meta = encode(mark);
  operation.targets = {static_cast<std::uint32_t>(mark.segment)};
  finish(operation);
  return operation;
}

}  // namespace waypost::spool
