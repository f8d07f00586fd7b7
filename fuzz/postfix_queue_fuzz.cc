// A queue file may be damaged or, in the maildrop, written by anybody: reading must hold, its content must be as long
// as was said, and what is read must read the same after it was written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "postfix_queue/failure_log.h"
#include "postfix_queue/queue_file.h"
#include "postfix_queue/queue_file_writer.h"

namespace {

using namespace waypost::postfix_queue;

std::string content_of(const ByteSource& source, const QueueFile& file) {
  ContentReader reader(source, file);
  std::string out;
  while (true) {
    auto piece = reader.read(1000);
    if (!piece) std::abort();
    if (piece->empty()) break;
    out += *piece;
  }
  if (out.size() != file.content_size) std::abort();
  return out;
}

// A line feed that ends no line becomes a blank; no content becomes an empty line.
std::string as_written(std::string content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\n' && (i == 0 || content[i - 1] != '\r')) content[i] = ' ';
  }
  return content.empty() ? "\r\n" : content;
}

void write_again(const ByteSource& source, const QueueFile& file) {
  auto envelope = file.envelope;
  for (const auto& recipient : file.pending) envelope.recipients.push_back(recipient.recipient);
  const auto content = content_of(source, file);
  const waypost::mail::Progress untouched;
  QueueFileWriter writer(envelope, untouched, std::nullopt);
  auto bytes = writer.start();
  bytes += writer.content(content);
  bytes += writer.finish();
  const auto size = writer.size_record();
  bytes.replace(0, size.size(), size);
  const StringSource written(bytes);
  const auto again = read_queue_file(written, Form::complete);
  if (!again || again->pending.size() != file.pending.size() || again->envelope.sender != envelope.sender) std::abort();
  for (std::size_t i = 0; i < file.pending.size(); ++i) {
    if (again->pending[i].recipient.address != file.pending[i].recipient.address) std::abort();
  }
  if (content_of(written, *again) != as_written(content)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const StringSource source(bytes);
  for (const auto form : {Form::complete, Form::dropped}) {
    if (const auto file = read_queue_file(source, form)) write_again(source, *file);
  }
  for (const auto& entry : parse_failure_log(bytes)) format_failure(entry);
  return 0;
}
