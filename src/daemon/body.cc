#include "daemon/body.h"

namespace waypost::daemon {

class Bodies::Body final : public delivery::BodySource {
 public:
  Body(Bodies& owner, QueueId id, std::uint64_t size, spool::Chunk content)
      : owner_(owner), id_(id), size_(size), content_(std::move(content)) {}
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body() override {
    if (content_) owner_.cached_.fetch_sub(content_->size(), std::memory_order_relaxed);
  }

  std::uint64_t size() const override { return size_; }
  std::shared_ptr<const std::string> cached() const override { return content_; }

  std::optional<std::string> read(std::uint64_t offset, std::size_t limit) override {
    if (content_) return offset < content_->size() ? content_->substr(offset, limit) : std::string();
    const std::lock_guard lock(mutex_);  // several attempts may read the same message
    if (!reader_) {
      auto opened = owner_.spool_.open(id_);
      if (!opened) return std::nullopt;
      reader_ = std::move(*opened);
    }
    auto got = reader_->read(offset, limit);
    if (!got) return std::nullopt;
    return std::move(*got);
  }

 private:
  Bodies& owner_;
  const QueueId id_;
  const std::uint64_t size_;
  const spool::Chunk content_;
  std::mutex mutex_;
  std::unique_ptr<spool::Reader> reader_;
};

std::shared_ptr<delivery::BodySource> Bodies::make(QueueId id, std::uint64_t size, spool::Chunk content) {
  if (content) {
    const auto before = cached_.fetch_add(content->size(), std::memory_order_relaxed);
    if (before + content->size() > cache_limit_) {
      cached_.fetch_sub(content->size(), std::memory_order_relaxed);
      content.reset();
    }
  }
  return std::make_shared<Body>(*this, id, size, std::move(content));
}

}  // namespace waypost::daemon
