#include "tables/file_table.h"

#include <fmt/format.h>

#include <utility>

namespace waypost::tables {

FileTable::FileTable(FileTableSpec spec, Log log, const Clock& clock)
    : files_({std::move(spec.name), std::move(spec.files), std::move(spec.load)}, log, clock),
      key_style_(spec.key_style),
      log_(std::move(log)) {}

Lookup FileTable::find(std::string_view key) const {
  if (const auto content = files_.current()) return static_cast<const Content&>(*content).find(key);
  return unavailable();
}

Lookup FileTable::unavailable() const {
  std::string problem = files_.problem();
  std::string text = fmt::format("{} is unavailable. {}", name(), problem);
  std::unique_lock lock(mutex_);
  const bool is_news = problem != told_problem_;
  told_problem_ = std::move(problem);
  lock.unlock();
  if (is_news) log_.warning("{}", text);
  return fail(Errc::unavailable, std::move(text));
}

}  // namespace waypost::tables
