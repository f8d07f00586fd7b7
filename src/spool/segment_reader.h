// Reads messages out of the log: envelope, delivery state, content. Everything is checked against its sum: envelope and
// state when they are loaded, the content as it is read from front to back, with Errc::corrupt from the read that
// reaches the end of a record that does not check. Whoever reads in another order reads unchecked. Any thread; one
// thread at a time for a Reader.
#pragma once

#include "spool/catalogue.h"
#include "spool/record.h"
#include "spool/spool.h"

namespace waypost::spool {

// Header, meta and progress of a record that the index points to.
struct RecordFront {
  RecordHeader header;
  std::string meta, progress;
};
Result<RecordFront> read_front(const Segment& segment, Place place);

Result<StoredMessage> load_message(QueueId id, const LocatedMessage& located);
Result<std::unique_ptr<Reader>> open_message(const LocatedMessage& located);

}  // namespace waypost::spool
