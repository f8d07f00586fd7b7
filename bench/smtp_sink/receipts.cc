#include "smtp_sink/receipts.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "common/clock.h"
#include "common/text.h"

namespace waypost::bench {

namespace {

std::string json_list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out.append(out.size() > 1 ? ", " : "").append(json_string(item));
  return out += ']';
}

// A reader that sees `path` sees all of it.
void write_whole(const std::string& path, std::string_view bytes) {
  const std::string unfinished = path + ".tmp";
  std::ofstream(unfinished, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  std::error_code error;
  std::filesystem::rename(unfinished, path, error);
  if (error) std::fprintf(stderr, "cannot write %s: %s\n", path.c_str(), error.message().c_str());
}

}  // namespace

bool Receipts::open() {
  std::error_code error;
  if (!options_.store.empty()) std::filesystem::create_directories(options_.store, error);
  if (error) std::fprintf(stderr, "cannot make %s: %s\n", options_.store.c_str(), error.message().c_str());
  return !error && (options_.ledger.empty() || ledger_.open(options_.ledger));
}

void Receipts::accept(const Transaction& transaction, const ContentReader& content) {
  const std::string_view sequence = content.field("X-Seq");
  counters_.message(sequence, content.wire_bytes(), transaction.recipients.size());
  if (!wants_content()) return;
  const std::string text = content.unstuffed();
  if (ledger_.is_open()) {
    LedgerEntry entry;
    std::int64_t sent_ns = 0;
    if (!split_sequence(sequence, entry.run, entry.seq, sent_ns)) entry.seq = -1;
    entry.at_ns = now_ns();
    entry.state = "accepted";
    entry.sha256 = sha256_hex(without_received(text));
    entry.recipients = transaction.recipients;
    ledger_.add(entry);
  }
  if (!options_.store.empty()) store(transaction, text);
  if (options_.print) print(transaction, text);
}

void Receipts::store(const Transaction& transaction, const std::string& content) {
  const std::string base = options_.store + '/' + std::to_string(++stored_);
  write_whole(base + ".eml", content);
  // the envelope comes last: whoever finds it finds the message too
  write_whole(base + ".json", "{\"helo\": " + json_string(transaction.helo) + ", \"user\": " +
                                  json_string(transaction.user) + ", \"tls\": " + (transaction.tls ? "true" : "false") +
                                  ", \"sender\": " + json_string(transaction.sender) +
                                  ", \"mail_parameters\": " + json_string(transaction.mail_parameters) +
                                  ", \"recipients\": " + json_list(transaction.recipients) +
                                  ", \"rcpt_parameters\": " + json_list(transaction.rcpt_parameters) + "}\n");
}

void Receipts::print(const Transaction& transaction, const std::string& content) {
  std::string text = "---- from <" + transaction.sender + "> to";
  for (const std::string& recipient : transaction.recipients) text += " <" + recipient + '>';
  if (transaction.tls) text += ", over TLS";
  if (!transaction.user.empty()) text += ", authenticated as " + transaction.user;
  text += '\n';
  for (const char c : content) {
    if (c != '\r') text += c;
  }
  text += "----\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace waypost::bench
