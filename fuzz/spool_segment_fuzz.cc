// Any bytes as the newest segment of a spool: opening it must neither crash nor hang, and whatever it finds must be
// readable. The input is tried as it comes, and once more behind a valid first block with its records' sums put right,
// so that the fuzzer gets past the sums.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "mail/envelope_codec.h"
#include "spool/crc32c.h"
#include "spool/fault_file_system.h"
#include "spool/record.h"
#include "spool/recovery.h"
#include "spool/segment_reader.h"
#include "spool/sidecar.h"

namespace {

using namespace waypost;
using namespace waypost::spool;

void read_all(const std::string& segment, const std::string& sidecar) {
  FaultFileSystem files;
  files.set_content("/spool/" + segment_name(1), segment);
  if (!sidecar.empty()) files.set_content("/spool/" + sidecar_name(1), sidecar);
  Recovery recovery(files, "/spool", RecoveryMode::start);
  if (!recovery.run()) return;
  std::uint64_t delivered = 0;
  if (!recovery.deliver([&](const StoredMessage&) { ++delivered; })) return;
  if (delivered != recovery.report().messages) std::abort();
  Catalogue catalogue;
  for (const auto& [number, found] : recovery.segments()) catalogue.add_segment(found.segment);
  recovery.fill(catalogue);
  for (const QueueId id : recovery.ids()) {
    const auto located = catalogue.find(id);
    if (!located) std::abort();
    (void)load_message(id, *located);
    auto reader = open_message(*located);
    if (reader) (void)(*reader)->read(0, 1 << 20);
  }
  for (const QueueId id : recovery.ids()) catalogue.erase(id, [](const std::vector<std::uint32_t>&) {});
  if (catalogue.totals().live_bytes != 0) std::abort();
}

// Takes the input for a list of records: a few bytes each say what kind, the rest is payload.
std::string build_segment(const std::uint8_t* data, std::size_t size) {
  std::string segment;
  std::uint64_t sequence = 0;
  for (std::size_t at = 0; at + 6 <= size;) {
    RecordHeader header;
    header.type = static_cast<RecordType>(1 + data[at] % 9);
    header.segment = 1;
    header.nonce = data[at] >= 0xf0 ? 2 : 1;
    header.sequence = ++sequence;
    header.durable = data[at + 1] % (sequence + 1);
    header.id = data[at + 2];
    header.part = data[at + 3] % 8;
    header.meta_size = data[at + 4];
    header.progress_size = data[at + 5] % 32;
    header.body_size = data[at + 1] % 64;
    at += 6;
    std::string payload(reinterpret_cast<const char*>(data) + at,
                        std::min<std::size_t>(header.payload_size(), size - at));
    at += payload.size();
    payload.resize(header.payload_size(), 'x');
    const std::size_t meta = header.meta_size + header.progress_size;
    header.meta_sum = crc32c(std::string_view(payload).substr(0, meta));
    header.body_sum = crc32c(std::string_view(payload).substr(meta));
    const HeaderBytes bytes = encode(header);
    segment.append(bytes.data(), bytes.size());
    segment += payload;
  }
  return segment;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string raw(reinterpret_cast<const char*>(data), size);
  read_all(raw, {});
  read_all({}, raw);
  const std::string built = build_segment(data, size);
  read_all(built, {});
  read_all(built, "WPX1" + raw);
  return 0;
}
