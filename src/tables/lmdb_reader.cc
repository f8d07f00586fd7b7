#include <fmt/format.h>

#include <cstring>
#include <optional>

#include "tables/lmdb_file.h"

namespace waypost::tables {
namespace {

// The layout is that of LMDB 0.9. Within every page:
constexpr std::size_t kPageFlagsAt = 10, kLowerAt = 12, kPageHeaderBytes = 16;
constexpr std::uint16_t kBranchPage = 0x01, kLeafPage = 0x02, kOverflowPage = 0x04, kMetaPage = 0x08;
// within a node (its pointer table stands behind the page's header):
constexpr std::size_t kNodeFlagsAt = 4, kKeySizeAt = 6, kNodeHeaderBytes = 8;
constexpr std::uint16_t kBigData = 0x01;
// and within the metadata on pages 0 and 1:
constexpr std::size_t kMagicAt = 16, kVersionAt = 20, kPageSizeAt = 40, kMainFlagsAt = 92, kDepthAt = 94, kRootAt = 128,
                      kTransactionAt = 144, kMetaBytes = 152;
constexpr std::uint32_t kMagic = 0xbeefc0de, kVersion = 1;
constexpr std::uint32_t kMinPageSize = 512, kMaxPageSize = 32768;
constexpr std::uint64_t kNoPage = UINT64_MAX;
constexpr int kMaxDepth = 32;

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Errc::corrupt, fmt::format("damaged database: {}", what));
}

template <class T>
T number(std::string_view from, std::size_t at) {
  T value{};
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

class Reader {
 public:
  Reader(std::string_view bytes, const VisitRecord& visit) : bytes_(bytes), visit_(visit) {}

  Result<> run() {
    const auto meta = newest_meta();
    if (!meta) return std::unexpected(meta.error());
    if (number<std::uint16_t>(*meta, kMainFlagsAt) != 0) {
      return fail(Errc::unsupported, "the file is an LMDB database of another kind");
    }
    pages_left_ = bytes_.size() / page_size_;
    overflow_left_ = bytes_.size();
    const auto root = number<std::uint64_t>(*meta, kRootAt);
    const int depth = number<std::uint16_t>(*meta, kDepthAt);
    if (root == kNoPage) return {};
    if (depth > kMaxDepth) return damaged("the tree is too deep");
    return read_page(root, depth);
  }

 private:
  // Of the two metadata pages the one with the later transaction.
  Result<std::string_view> newest_meta() {
    if (bytes_.size() < kMetaBytes) return damaged("too short");
    if (!is_meta(bytes_)) return fail(Errc::invalid, "the file is no LMDB database");
    page_size_ = number<std::uint32_t>(bytes_, kPageSizeAt);
    if (page_size_ < kMinPageSize || page_size_ > kMaxPageSize || (page_size_ & (page_size_ - 1)) != 0) {
      return damaged("bad page size");
    }
    if (bytes_.size() < page_size_ + kMetaBytes) return damaged("too short");
    const auto first = bytes_, second = bytes_.substr(page_size_);
    const bool second_is_newer =
        is_meta(second) && number<std::uint64_t>(second, kTransactionAt) > number<std::uint64_t>(first, kTransactionAt);
    return second_is_newer ? second : first;
  }

  static bool is_meta(std::string_view page) {
    return (number<std::uint16_t>(page, kPageFlagsAt) & kMetaPage) != 0 &&
           number<std::uint32_t>(page, kMagicAt) == kMagic && number<std::uint32_t>(page, kVersionAt) == kVersion;
  }

  // nullopt when it is not within the file.
  std::optional<std::string_view> page_at(std::uint64_t page_number) const {
    if (page_number >= bytes_.size() / page_size_) return std::nullopt;
    return bytes_.substr(page_number * page_size_, page_size_);
  }

  // The page and what hangs on it. No page can be visited twice: there are only so many.
  Result<> read_page(std::uint64_t page_number, int depth) {
    const auto page = page_at(page_number);
    if (!page || depth == 0 || pages_left_-- == 0) return damaged("a page is not where it must be");
    const auto flags = number<std::uint16_t>(*page, kPageFlagsAt);
    const std::size_t lower = number<std::uint16_t>(*page, kLowerAt);
    if (lower < kPageHeaderBytes || lower > page_size_) return damaged("bad page");
    for (std::size_t at = kPageHeaderBytes; at + 2 <= lower; at += 2) {
      const std::size_t node_at = number<std::uint16_t>(*page, at);
      if (node_at + kNodeHeaderBytes > page_size_) return damaged("an entry is not within its page");
      const auto node = page->substr(node_at);
      const bool is_branch = (flags & kBranchPage) != 0;
      if (!is_branch && flags != kLeafPage && flags != (kLeafPage | kDirtyPage)) return damaged("bad page type");
      if (auto done = is_branch ? read_page(child_of(node), depth - 1) : read_leaf(node); !done) return done;
    }
    return {};
  }

  static std::uint64_t child_of(std::string_view node) {
    return number<std::uint32_t>(node, 0) | std::uint64_t{number<std::uint16_t>(node, kNodeFlagsAt)} << 32;
  }

  Result<> read_leaf(std::string_view node) {
    const std::size_t value_size = number<std::uint32_t>(node, 0), key_size = number<std::uint16_t>(node, kKeySizeAt);
    const auto flags = number<std::uint16_t>(node, kNodeFlagsAt);
    if ((flags & ~kBigData) != 0) return fail(Errc::unsupported, "the file is an LMDB database of another kind");
    const auto rest = node.substr(kNodeHeaderBytes);
    const std::size_t stored = flags == kBigData ? sizeof(std::uint64_t) : value_size;
    if (rest.size() < key_size || rest.size() - key_size < stored) return damaged("an entry is not within its page");
    if (flags != kBigData) {
      visit_(rest.substr(0, key_size), rest.substr(key_size, value_size));
      return {};
    }
    const auto first = number<std::uint64_t>(rest, key_size);
    const auto page = page_at(first);
    if (!page || (number<std::uint16_t>(*page, kPageFlagsAt) & kOverflowPage) == 0) return damaged("bad overflow page");
    const std::size_t begin = first * page_size_ + kPageHeaderBytes;
    if (bytes_.size() - begin < value_size || overflow_left_ < value_size) return damaged("a value is cut off");
    overflow_left_ -= value_size;
    visit_(rest.substr(0, key_size), bytes_.substr(begin, value_size));
    return {};
  }

  static constexpr std::uint16_t kDirtyPage = 0x10;  // left set by writers that map the file

  std::string_view bytes_;
  const VisitRecord& visit_;
  std::size_t page_size_ = 0, pages_left_ = 0, overflow_left_ = 0;
};

}  // namespace

Result<> for_each_lmdb_record(std::string_view bytes, const VisitRecord& visit) { return Reader(bytes, visit).run(); }

}  // namespace waypost::tables
