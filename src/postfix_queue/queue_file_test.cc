#include "postfix_queue/queue_file.h"

#include <gtest/gtest.h>

#include "postfix_queue/queue_file_writer.h"

namespace waypost::postfix_queue {
namespace {

struct Part {
  RecordType type;
  std::string data;
};

std::string bytes_of(const std::vector<Part>& parts) {
  std::string out;
  for (const auto& [type, data] : parts) put_record(out, type, data);
  return out;
}

constexpr std::string_view kNoSizes =
    "              0               0               0               0               0               0";

// A complete file: `envelope` behind the first records, `extracted` before the last one; the size record fits.
std::string complete_file(const std::vector<Part>& envelope, const std::vector<Part>& content,
                          const std::vector<Part>& extracted = {}) {
  std::vector<Part> parts = {{RecordType::size, std::string(kNoSizes)}, {RecordType::arrival, "1700000000 123456"}};
  parts.insert(parts.end(), envelope.begin(), envelope.end());
  parts.push_back({RecordType::message, ""});
  const auto head = bytes_of(parts).size(), text = bytes_of(content).size();
  char sizes[97];
  std::snprintf(sizes, sizeof sizes, "%15zu %15zu %15d %15d %15zu %15d", text, head, 1, 0, text, 1);
  parts.front().data = sizes;
  parts.insert(parts.end(), content.begin(), content.end());
  parts.push_back({RecordType::extracted, ""});
  parts.insert(parts.end(), extracted.begin(), extracted.end());
  parts.push_back({RecordType::end, ""});
  return bytes_of(parts);
}

const std::vector<Part> kPlain = {{RecordType::sender, "s@a.example"}, {RecordType::recipient, "r@b.example"}};

Result<QueueFile> read(const std::string& bytes, Form form = Form::complete) {
  const StringSource source(bytes);
  return read_queue_file(source, form);
}

std::string content(const std::string& bytes, Form form = Form::complete) {
  const StringSource source(bytes);
  const auto file = read_queue_file(source, form);
  if (!file) return "error: " + file.error().text;
  ContentReader reader(source, *file);
  std::string out;
  while (true) {
    auto piece = reader.read(1);
    if (!piece) return "error: " + piece.error().text;
    if (piece->empty()) break;
    out += *piece;
  }
  EXPECT_EQ(out.size(), file->content_size);
  return out;
}

TEST(QueueFile, ReadsTheEnvelope) {
  const auto file = read(complete_file({{RecordType::attribute, "log_client_name=client.example"},
                                        {RecordType::attribute, "log_client_address=192.0.2.1"},
                                        {RecordType::attribute, "client_name=other.example"},
                                        {RecordType::attribute, "log_helo_name=helo.example"},
                                        {RecordType::attribute, "log_protocol_name=ESMTP"},
                                        {RecordType::attribute, "sasl_method=PLAIN"},
                                        {RecordType::attribute, "sasl_username=user"},
                                        {RecordType::sender, "s@a.example"},
                                        {RecordType::attribute, "envelope_id=an id+1"},
                                        {RecordType::attribute, "ret_flags=2"},
                                        {RecordType::attribute, "notify_flags=6"},
                                        {RecordType::attribute, "dsn_orig_rcpt=rfc822;first+x@b.example"},
                                        {RecordType::original, "first@b.example"},
                                        {RecordType::recipient, "second@b.example"}},
                                       {{RecordType::line, "text"}}, {{RecordType::attribute, "encoding=8bit"}}));
  ASSERT_TRUE(file) << file.error().text;
  const auto& envelope = file->envelope;
  EXPECT_EQ(envelope.arrival, WallTime{std::chrono::microseconds(1'700'000'000'123'456)});
  EXPECT_EQ(envelope.sender, "s@a.example");
  EXPECT_EQ(envelope.client_name, "client.example");
  EXPECT_EQ(envelope.client_address, "192.0.2.1");
  EXPECT_EQ(envelope.helo, "helo.example");
  EXPECT_EQ(envelope.protocol, "ESMTP");
  EXPECT_EQ(envelope.sasl_method, "PLAIN");
  EXPECT_EQ(envelope.sasl_username, "user");
  EXPECT_EQ(envelope.dsn_envid, "an+20id+2B1");
  EXPECT_EQ(envelope.dsn_return, mail::DsnReturn::headers);
  EXPECT_EQ(envelope.encoding, mail::BodyEncoding::eight_bit_mime);
  EXPECT_TRUE(envelope.smtputf8);
  ASSERT_EQ(file->pending.size(), 1U);
  const auto& recipient = file->pending.front().recipient;
  EXPECT_EQ(recipient.address, "second@b.example");
  EXPECT_EQ(recipient.original, "first@b.example");
  EXPECT_EQ(recipient.dsn_orcpt, "rfc822;first+2Bx@b.example");
  EXPECT_EQ(recipient.notify, mail::Notify::kSuccess | mail::Notify::kFailure);
}

TEST(QueueFile, WantsSmtputf8OnlyWhenTheSenderAskedForIt) {
  auto bytes = complete_file(kPlain, {{RecordType::line, "x"}});
  for (const auto& [flags, wanted] : {std::pair{'0', false}, {'1', true}, {'2', false}, {'6', false}, {'7', true}}) {
    bytes[96] = flags;  // the last of the size record
    const auto file = read(bytes);
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(file->envelope.smtputf8, wanted) << flags;
  }
}

TEST(QueueFile, TellsFinishedRecipientsFromPendingOnes) {
  const auto file = read(complete_file({{RecordType::sender, ""},
                                        {RecordType::original, "one@b.example"},
                                        {RecordType::done, "one@b.example"},
                                        {RecordType::attribute, "notify_flags=1"},
                                        {RecordType::cancelled, "two@b.example"},
                                        {RecordType::original, "three@b.example"},
                                        {RecordType::recipient, "three@b.example"}},
                                       {{RecordType::line, ""}}, {{RecordType::recipient, "four@b.example"}}));
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(file->envelope.sender, "");
  ASSERT_EQ(file->finished.size(), 1U);
  EXPECT_EQ(file->finished[0].recipient.address, "one@b.example");
  ASSERT_EQ(file->pending.size(), 2U);
  EXPECT_EQ(file->pending[0].recipient.address, "three@b.example");
  EXPECT_EQ(file->pending[0].recipient.original, "");                      // as it was from the start
  EXPECT_EQ(file->pending[0].recipient.notify, mail::Notify::kNoneGiven);  // that was the cancelled one's
  EXPECT_EQ(file->pending[1].recipient.address, "four@b.example");
}

TEST(QueueFile, JoinsThePiecesOfALineAndEndsTheLast) {
  EXPECT_EQ(content(complete_file(kPlain, {{RecordType::line, "Subject: x"},
                                           {RecordType::line, ""},
                                           {RecordType::part, "one "},
                                           {RecordType::part, "long "},
                                           {RecordType::line, "line"},
                                           {RecordType::part, "not ended"}})),
            "Subject: x\r\n\r\none long line\r\nnot ended\r\n");
}

TEST(QueueFile, AppliesEditsOfTheContent) {
  // A milter has put a header behind the first line: a pointer stands in its place.
  auto bytes = complete_file(
      kPlain, {{RecordType::line, "A: 1"}, {RecordType::pointer, "              0"}, {RecordType::line, "B: 2"}});
  const auto pointer = bytes.find(std::string("p\x0f"));
  const auto back = pointer + 17;
  char target[16];
  std::snprintf(target, sizeof target, "%15zu", bytes.size());
  bytes.replace(pointer + 2, 15, target);
  put_record(bytes, RecordType::line, "New: 3");
  std::snprintf(target, sizeof target, "%15zu", back);
  put_record(bytes, RecordType::pointer, target);
  EXPECT_EQ(content(bytes), "A: 1\r\nNew: 3\r\nB: 2\r\n");
}

TEST(QueueFile, ARedirectReplacesAllRecipients) {
  auto envelope = kPlain;
  envelope.push_back({RecordType::recipient, "second@b.example"});
  const auto file = read(complete_file(envelope, {{RecordType::line, ""}}, {{RecordType::redirect, "to@c.example"}}));
  ASSERT_TRUE(file);
  ASSERT_EQ(file->pending.size(), 1U);
  EXPECT_EQ(file->pending[0].recipient.address, "to@c.example");
  EXPECT_EQ(file->pending[0].recipient.original, "r@b.example");
}

TEST(QueueFile, NamesWhatAskForMoreThanAPlainDelivery) {
  const auto with = [](RecordType type, std::string data) {
    auto envelope = kPlain;
    envelope.push_back({type, std::move(data)});
    return *read(complete_file(envelope, {{RecordType::line, ""}}));
  };
  EXPECT_EQ(with(RecordType::filter, "scan:[127.0.0.1]:10025").filter, "scan:[127.0.0.1]:10025");
  EXPECT_EQ(with(RecordType::verp, "+=").verp, "+=");
  EXPECT_TRUE(with(RecordType::attribute, "trace_flags=256").is_probe);
  EXPECT_FALSE(with(RecordType::attribute, "trace_flags=1024").is_probe);
  EXPECT_TRUE(with(RecordType::warning, "             -1").delay_told);
  EXPECT_FALSE(with(RecordType::warning, "     1700000000").delay_told);
}

TEST(QueueFile, RefusesWhatIsNotWhole) {
  const auto whole = complete_file(kPlain, {{RecordType::line, "text"}});
  ASSERT_TRUE(read(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(read(whole.substr(0, size))) << size;
}

TEST(QueueFile, RefusesWhatIsMissingOrMisplaced) {
  const std::vector<Part> text = {{RecordType::line, "text"}};
  EXPECT_EQ(read(complete_file({{RecordType::recipient, "r@b.example"}}, text)).error().text, "the sender is missing");
  EXPECT_EQ(read(complete_file(kPlain, {{RecordType::sender, "x"}})).error().text.substr(0, 32),
            "a record of type 83 within the c");
  auto moved = complete_file(kPlain, text);
  moved.insert(moved.find("S\x0b"), std::string("F\x01x", 3));
  EXPECT_EQ(read(moved).error().text, "a size record that does not fit the content at offset 0");
  EXPECT_EQ(read(bytes_of({{RecordType::size, std::string(kNoSizes)},
                           {RecordType::arrival, "1 1"},
                           kPlain[0],
                           kPlain[1],
                           {RecordType::message, ""},
                           {RecordType::extracted, ""},
                           {RecordType::end, ""}}))
                .error()
                .text,
            "the size record was never filled in");
  EXPECT_FALSE(read(complete_file({{RecordType::sender, "s"}, {RecordType::attribute, "no equals sign"}}, text)));
}

TEST(QueueFile, ADroppedFileNeedsNeitherSizeNorTime) {
  const auto bytes = bytes_of({{RecordType::full_name, "Some User"},
                               {RecordType::sender, "user"},
                               {RecordType::recipient, "r@b.example"},
                               {RecordType::message, ""},
                               {RecordType::line, "Subject: x"},
                               {RecordType::extracted, ""},
                               {RecordType::end, ""}});
  EXPECT_FALSE(read(bytes));
  const auto file = read(bytes, Form::dropped);
  ASSERT_TRUE(file) << file.error().text;
  EXPECT_EQ(file->full_name, "Some User");
  EXPECT_EQ(content(bytes, Form::dropped), "Subject: x\r\n");
}

class Written : public testing::Test {
 protected:
  Written() {
    envelope_.arrival = WallTime{std::chrono::microseconds(1'700'000'000'000'042)};
    envelope_.sender = "s@a.example";
    envelope_.client_name = "client.example";
    envelope_.client_address = "192.0.2.1";
    envelope_.dsn_envid = "id+20x";
    envelope_.dsn_return = mail::DsnReturn::full;
    envelope_.encoding = mail::BodyEncoding::eight_bit_mime;
    envelope_.smtputf8 = true;
    envelope_.recipients = {{"one@b.example", "", "rfc822;one@b.example", mail::Notify::kNever},
                            {"two@b.example", "orig@b.example", "", mail::Notify::kNoneGiven},
                            {"three@b.example", "", "", mail::Notify::kSuccess}};
  }
  std::string write(std::string_view text, std::optional<WallTime> warn_at = std::nullopt, std::size_t piece = 7) {
    QueueFileWriter writer(envelope_, progress_, warn_at);
    auto out = writer.start();
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size())))
      out += writer.content(text.substr(0, piece));
    out += writer.finish();
    const auto size = writer.size_record();
    out.replace(0, size.size(), size);
    failures_ = writer.failures();
    return out;
  }
  mail::Envelope envelope_;
  mail::Progress progress_;
  std::vector<FailureEntry> failures_;
};

// The number that tells Postfix which mail must not go to a server without SMTPUTF8.
TEST_F(Written, SaysWhereSmtputf8IsNeeded) {
  const auto flags = [this](std::string_view text) { return write(text).substr(96, 1); };
  EXPECT_EQ(flags("Subject: x\r\n\r\n\xc3\xa9\r\n"), "1");
  EXPECT_EQ(flags("Subject: \xc3\xa9\r\n\r\nx\r\n"), "3");
  EXPECT_EQ(flags("Subject: " + std::string(3 * kMaxTextRecord, 'x') + "\xc3\xa9\r\n\r\nx\r\n"), "3");
  envelope_.sender = "\xc3\xa9@a.example";
  EXPECT_EQ(flags("Subject: x\r\n\r\nx\r\n"), "5");
  envelope_.smtputf8 = false;
  EXPECT_EQ(flags("Subject: \xc3\xa9\r\n\r\nx\r\n"), "6");
}

TEST_F(Written, ReadsBackAsItWas) {
  const std::string text = "Subject: x\r\n\r\n" + std::string(5000, 'l') + "\r\na\rb\r\n.\r\n";
  const auto bytes = write(text);
  const auto file = read(bytes);
  ASSERT_TRUE(file) << file.error().text;
  auto envelope = file->envelope;
  for (const auto& recipient : file->pending) envelope.recipients.push_back(recipient.recipient);
  EXPECT_EQ(envelope.arrival, envelope_.arrival);
  EXPECT_EQ(envelope.sender, envelope_.sender);
  EXPECT_EQ(envelope.client_name, envelope_.client_name);
  EXPECT_EQ(envelope.dsn_envid, envelope_.dsn_envid);
  EXPECT_EQ(envelope.dsn_return, envelope_.dsn_return);
  EXPECT_EQ(envelope.encoding, envelope_.encoding);
  EXPECT_TRUE(envelope.smtputf8);
  ASSERT_EQ(envelope.recipients.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(envelope.recipients[i].address, envelope_.recipients[i].address);
    EXPECT_EQ(envelope.recipients[i].original, envelope_.recipients[i].original);
    EXPECT_EQ(envelope.recipients[i].dsn_orcpt, envelope_.recipients[i].dsn_orcpt);
    EXPECT_EQ(envelope.recipients[i].notify, envelope_.recipients[i].notify);
  }
  EXPECT_EQ(content(bytes), text);
}

TEST_F(Written, MarksWhatIsFinishedAndSaysWhyTheRestIsNot) {
  progress_.recipients = {{mail::RecipientState::sent, "2.0.0", "ok"},
                          {mail::RecipientState::pending, "4.4.1", "no answer"},
                          {mail::RecipientState::bounced, "5.0.0", "no"}};
  const auto bytes = write("x\r\n");
  const auto file = read(bytes);
  ASSERT_TRUE(file);
  ASSERT_EQ(file->pending.size(), 1U);
  EXPECT_EQ(file->finished.size(), 2U);
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_EQ(failures_[0].recipient, "two@b.example");
  EXPECT_EQ(failures_[0].offset, file->pending[0].offset);
  EXPECT_EQ(failures_[0].reason, "no answer");
}

TEST_F(Written, RemembersWhetherTheSenderWasToldOfTheDelay) {
  EXPECT_FALSE(read(write("x\r\n", envelope_.arrival))->delay_told);
  progress_.delay_notified = true;
  EXPECT_TRUE(read(write("x\r\n"))->delay_told);
}

TEST_F(Written, AnEmptyContentIsOneEmptyLine) { EXPECT_EQ(content(write("")), "\r\n"); }

TEST_F(Written, AStrayLineFeedIsABlankAndALastLineIsEnded) {
  EXPECT_EQ(content(write("a\nb\r\nc\r")), "a b\r\nc\r\r\n");
}

TEST_F(Written, LinesAreSplitAtTheLimit) {
  for (const std::size_t size : {kMaxTextRecord - 1, kMaxTextRecord, kMaxTextRecord + 1, 2 * kMaxTextRecord}) {
    const auto line = std::string(size, 'x') + "\r\n";
    EXPECT_EQ(content(write(line, std::nullopt, 1000)), line) << size;
  }
}

}  // namespace
}  // namespace waypost::postfix_queue
