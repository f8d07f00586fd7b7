#include "spool/catalogue.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/assert.h"

namespace waypost::spool {

void Catalogue::add_segment(SegmentPtr segment) {
  const std::lock_guard lock(mutex_);
  log_bytes_ += segment->size;
  const std::uint32_t number = segment->number;
  Account account;
  account.segment = std::move(segment);
  const bool added = segments_.emplace(number, std::move(account)).second;
  WAYPOST_ASSERT(added);
}

void Catalogue::seal(std::uint32_t segment) {
  const std::lock_guard lock(mutex_);
  if (const auto found = segments_.find(segment); found != segments_.end()) found->second.sealed = true;
}

void Catalogue::mark_failed(std::uint32_t segment) {
  const std::lock_guard lock(mutex_);
  if (const auto found = segments_.find(segment); found != segments_.end())
    found->second.sealed = found->second.failed = found->second.emptying = true;
  emptying_.insert(segment);
}

void Catalogue::mark_emptying(std::uint32_t segment) {
  const std::lock_guard lock(mutex_);
  if (const auto found = segments_.find(segment); found != segments_.end()) found->second.emptying = true;
  emptying_.insert(segment);
}

void Catalogue::mark_damaged(std::uint32_t segment) {
  const std::lock_guard lock(mutex_);
  if (const auto found = segments_.find(segment); found != segments_.end()) found->second.damaged = true;
}

void Catalogue::add_targets(std::uint32_t segment, const std::vector<std::uint32_t>& targets) {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(segment);
  if (found == segments_.end()) return;
  for (const std::uint32_t target : targets)
    if (target != segment && segments_.contains(target)) found->second.targets.insert(target);
}

void Catalogue::clear_targets(std::uint32_t segment) {
  const std::lock_guard lock(mutex_);
  if (const auto found = segments_.find(segment); found != segments_.end()) found->second.targets.clear();
}

bool Catalogue::exists(std::uint32_t segment) const {
  const std::lock_guard lock(mutex_);
  return segments_.contains(segment);
}

bool Catalogue::is_failed(std::uint32_t segment) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(segment);
  return found != segments_.end() && found->second.failed;
}

bool Catalogue::wanted(const Account& account) const {
  return account.live_bytes > 0 || account.uploads > 0 ||
         std::ranges::any_of(account.targets, [&](std::uint32_t target) { return segments_.contains(target); });
}

bool Catalogue::needs_copying(std::uint32_t segment) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(segment);
  return found != segments_.end() && wanted(found->second);
}

bool Catalogue::can_drop(std::uint32_t segment, bool& read) const {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(segment);
  if (found == segments_.end() || wanted(found->second)) return false;
  constexpr long kOwnReferences = 2;  // the account's and the caller's; no new reader can come, for nothing is live
  read = found->second.segment.use_count() > kOwnReferences;
  return found->second.sealed && !found->second.damaged;
}

void Catalogue::drop(std::uint32_t segment) {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(segment);
  WAYPOST_ASSERT(found != segments_.end() && found->second.live_bytes == 0 && found->second.uploads == 0);
  log_bytes_ -= found->second.segment->size;
  segments_.erase(found);
  emptying_.erase(segment);
}

std::optional<VictimReason> Catalogue::reason(const Account& account, bool over) const {
  if (!account.sealed || account.damaged || account.uploads > 0) return std::nullopt;
  if (account.failed) return VictimReason::failed;
  if (account.emptying) return VictimReason::emptying;
  if (!wanted(account)) return VictimReason::dead;
  if (over && account.live_bytes * 2 <= account.segment->size) return VictimReason::oldest;
  return std::nullopt;
}

std::optional<Victim> Catalogue::victim(std::uint64_t floor_bytes, std::uint64_t ratio, bool short_of_space) const {
  const std::lock_guard lock(mutex_);
  const bool over = short_of_space || log_bytes_ > std::max(floor_bytes, ratio * live_bytes_);
  std::optional<Victim> best;
  for (const auto& [number, account] : segments_) {
    const auto why = reason(account, over);
    if (why && (!best || *why < best->reason)) best = Victim{account.segment, *why};
  }
  return best;
}

LogTotals Catalogue::totals() const {
  const std::lock_guard lock(mutex_);
  return {entries_.size(), live_bytes_, log_bytes_, static_cast<std::uint32_t>(segments_.size())};
}

std::vector<SegmentPtr> Catalogue::unindexed() const {
  const std::lock_guard lock(mutex_);
  std::vector<SegmentPtr> segments;
  for (const auto& [number, account] : segments_)
    if (account.sealed && !account.indexed && !account.failed && wanted(account)) segments.push_back(account.segment);
  return segments;
}

void Catalogue::mark_indexed(std::uint32_t segment) {
  const std::lock_guard lock(mutex_);
  if (const auto found = segments_.find(segment); found != segments_.end()) found->second.indexed = true;
}

void Catalogue::reserve(std::size_t messages) {
  const std::lock_guard lock(mutex_);
  entries_.reserve(messages);
}

void Catalogue::add_live(Place place) {
  if (!place) return;
  live_bytes_ += place.size;
  if (const auto found = segments_.find(place.segment); found != segments_.end())
    found->second.live_bytes += place.size;
}

void Catalogue::remove_live(Place place) {
  if (!place) return;
  live_bytes_ -= place.size;
  const auto found = segments_.find(place.segment);
  WAYPOST_ASSERT(found != segments_.end() && found->second.live_bytes >= place.size);
  found->second.live_bytes -= place.size;
}

void Catalogue::insert(QueueId id, Place message, const std::vector<Place>& chunks) {
  const std::lock_guard lock(mutex_);
  const bool added = entries_.emplace(id.bits(), Entry{message, {}}).second;
  WAYPOST_ASSERT(added);  // a queue id is used once
  add_live(message);
  if (chunks.empty()) return;
  for (const Place& chunk : chunks) add_live(chunk);
  chunks_.emplace(id.bits(), chunks);
}

bool Catalogue::contains(QueueId id) const {
  const std::lock_guard lock(mutex_);
  return entries_.contains(id.bits());
}

Located Catalogue::locate(Place place) const {
  const auto found = segments_.find(place.segment);
  WAYPOST_ASSERT(found != segments_.end());  // live bytes keep a segment
  return {place, found->second.segment};
}

std::optional<LocatedMessage> Catalogue::find(QueueId id) const {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id.bits());
  if (entry == entries_.end()) return std::nullopt;
  LocatedMessage message;
  message.message = locate(entry->second.message);
  if (entry->second.progress) message.progress = locate(entry->second.progress);
  if (const auto pending = pending_.find(id.bits()); pending != pending_.end())
    message.pending_progress = pending->second;
  if (const auto chunks = chunks_.find(id.bits()); chunks != chunks_.end())
    for (const Place& chunk : chunks->second) message.chunks.push_back(locate(chunk));
  return message;
}

bool Catalogue::relocate(QueueId id, Place from, Place to, Place merged_progress) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id.bits());
  if (entry == entries_.end() || entry->second.message != from) return false;
  remove_live(from);
  entry->second.message = to;
  add_live(to);
  if (merged_progress && entry->second.progress == merged_progress) {
    remove_live(merged_progress);
    entry->second.progress = {};
  }
  return true;
}

bool Catalogue::relocate_chunk(QueueId id, std::uint32_t part, Place from, Place to) {
  const std::lock_guard lock(mutex_);
  const auto chunks = chunks_.find(id.bits());
  if (chunks == chunks_.end() || part >= chunks->second.size() || chunks->second[part] != from) return false;
  remove_live(from);
  chunks->second[part] = to;
  add_live(to);
  return true;
}

std::optional<std::vector<std::uint32_t>> Catalogue::erase_locked(QueueId id) {
  const auto entry = entries_.find(id.bits());
  if (entry == entries_.end()) return std::nullopt;
  std::vector<std::uint32_t> targets{entry->second.message.segment};
  for (const std::uint32_t number : emptying_)
    if (number != targets.front()) targets.push_back(number);
  remove_live(entry->second.message);
  remove_live(entry->second.progress);
  if (const auto chunks = chunks_.find(id.bits()); chunks != chunks_.end()) {
    for (const Place& chunk : chunks->second) {
      remove_live(chunk);
      if (std::ranges::find(targets, chunk.segment) == targets.end()) targets.push_back(chunk.segment);
    }
    chunks_.erase(chunks);
  }
  pending_.erase(id.bits());
  entries_.erase(entry);
  return targets;
}

void Catalogue::hold_chunk(Place chunk) {
  const std::lock_guard lock(mutex_);
  if (const auto found = segments_.find(chunk.segment); found != segments_.end()) ++found->second.uploads;
}

void Catalogue::release_chunk(Place chunk) {
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(chunk.segment);
  if (found != segments_.end() && found->second.uploads > 0) --found->second.uploads;
}

bool Catalogue::note_progress(QueueId id, State state, bool& queued) {
  const std::lock_guard lock(mutex_);
  if (!entries_.contains(id.bits())) return false;
  State& pending = pending_[id.bits()];
  queued = pending != nullptr;
  pending = std::move(state);
  return true;
}

Catalogue::State Catalogue::pending_progress(QueueId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = pending_.find(id.bits());
  return found == pending_.end() ? nullptr : found->second;
}

bool Catalogue::progress_written(QueueId id, Place place, const State& state) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id.bits());
  if (entry == entries_.end()) return false;
  remove_live(entry->second.progress);
  entry->second.progress = place;
  add_live(place);
  const auto pending = pending_.find(id.bits());
  if (pending == pending_.end()) return false;
  if (pending->second != state) return true;
  pending_.erase(pending);
  return false;
}

bool Catalogue::rewrite_progress(QueueId id, Place from, State state) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(id.bits());
  if (entry == entries_.end() || entry->second.progress != from) return false;
  return pending_.emplace(id.bits(), std::move(state)).second;  // a newer one that waits does as well
}

bool Catalogue::restore_progress(QueueId id, State state) {
  const std::lock_guard lock(mutex_);
  if (!entries_.contains(id.bits())) return false;
  return pending_.emplace(id.bits(), std::move(state)).second;
}

void Catalogue::set_progress(QueueId id, Place place) { std::ignore = progress_written(id, place, nullptr); }

}  // namespace waypost::spool
