// The session's way through a message: content from the stream to the intake.
#include <utility>

#include "base/assert.h"
#include "smtp_server/session_impl.h"

namespace waypost::smtp_server {

using smtp::Action;

net::Task<Action> Session::receive() {
  const bool completes_headers = protocol_.forwarded().is_local.value_or(omits_headers_.value_or(false));
  message_ = environment_.intake.begin(
      protocol_.take_envelope(), {settings().trace, tls_lines_, settings().hide_client_session, completes_headers});
  WAYPOST_ASSERT(message_);
  smtp::DataDecoder decoder(protocol_.bare_newline_policy(), settings().protocol.stray_cr);
  const std::uint64_t limit = settings().protocol.message_size_limit;
  std::optional<smtp::Reply> refusal;
  content_bytes_ = 0;
  command_deadline_ = deadline(settings().timeout);
  for (bool done = false; !done;) {
    if (input_.empty()) {
      const bool filled = co_await fill();
      if (!filled) co_return Action::close;
    }
    std::string_view content;
    done = decode(decoder, content);
    keep_input();
    content_bytes_ += content.size();
    // After a refusal the rest is read and dropped: the client listens only behind its final dot.
    if (refusal || content.empty()) continue;
    if (limit > 0 && content_bytes_ > limit) {
      log_.content_too_big();
      refusal = smtp::Reply{552, "5.3.4", "Error: message file too big"};
    } else {
      refusal = co_await message_->append(content);
    }
    if (refusal) message_.reset();
  }
  co_return protocol_.on_content_end(decoder.saw_bare_newline(), refusal ? &*refusal : nullptr);
}

// Decodes all of input_ up to the end of data. `content` is a view of the input when that is canonical; otherwise the
// pieces are joined in a buffer of the thread: both are good until the next await.
bool Session::decode(smtp::DataDecoder& decoder, std::string_view& content) {
  thread_local std::string joined;
  bool is_joined = false;
  while (!input_.empty()) {
    const auto step = decoder.next(input_);
    input_.remove_prefix(step.consumed);
    if (content.empty()) {
      content = step.piece;
    } else if (!step.piece.empty()) {
      if (!is_joined) joined.assign(content);
      is_joined = true;
      joined.append(step.piece);
      content = joined;
    }
    if (step.done) return true;
  }
  return false;
}

net::Task<Action> Session::commit() {
  Verdict verdict = co_await message_->finish();
  message_.reset();
  if (!verdict.refusal) co_return protocol_.on_queued(verdict.id);
  co_return protocol_.on_refused(*verdict.refusal);
}

}  // namespace waypost::smtp_server
