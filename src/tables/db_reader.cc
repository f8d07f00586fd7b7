#include "tables/db_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>
#include <string>

namespace waypost::tables {
namespace {

// The layout is that of Berkeley DB's db_page.h. Offsets within every page:
constexpr std::size_t kPageNumberAt = 8, kNextPageAt = 16, kEntriesAt = 20, kHighOffsetAt = 22, kPageTypeAt = 25,
                      kItemsAt = 26;
// and within the metadata on page 0:
constexpr std::size_t kMagicAt = 12, kVersionAt = 16, kPageSizeAt = 20, kEncryptionAt = 24, kMetaFlagsAt = 26,
                      kLastPageAt = 32, kPartitionsAt = 36, kFlagsAt = 48;
constexpr std::uint32_t kHashMagic = 0x061561, kBtreeMagic = 0x053162;
constexpr std::uint32_t kMinVersion = 7, kMaxVersion = 10;
constexpr std::uint32_t kMinPageSize = 512, kMaxPageSize = 65536;
constexpr std::uint8_t kMetaChecksum = 0x01;
constexpr std::uint32_t kPlainFlags = 0;  // neither duplicates nor sub-databases
constexpr std::size_t kOffPageItemBytes = 12;

enum PageType : std::uint8_t { kOldHashPage = 2, kBtreeLeaf = 5, kOverflowPage = 7, kHashPage = 13 };
enum HashItem : std::uint8_t { kHashData = 1, kHashOffPage = 3 };
enum BtreeItem : std::uint8_t { kBtreeData = 1, kBtreeOverflow = 3, kBtreeDeleted = 0x80 };

class Reader {
 public:
  Reader(std::string_view bytes, const VisitRecord& visit)
      : bytes_(bytes), visit_(visit), overflow_left_(bytes.size()) {}

  Result<> run(DbKind kind);

 private:
  Result<> read_meta(DbKind kind);
  Result<> read_page(DbKind kind, std::string_view page);
  // The item's bytes: inside the page, or in overflow pages (then in `buffer`). nullopt inside the Result: deleted.
  Result<std::optional<std::string_view>> item(DbKind kind, std::string_view page, std::size_t index,
                                               std::string& buffer);
  Result<std::optional<std::string_view>> hash_item(std::string_view page, std::size_t index, std::string& buffer);
  Result<std::optional<std::string_view>> btree_item(std::string_view page, std::size_t index, std::string& buffer);
  Result<std::string_view> overflow(std::uint32_t page_number, std::uint32_t length, std::string& buffer);

  template <class T>
  T number(std::string_view from, std::size_t at) const {
    T value{};
    std::memcpy(&value, from.data() + at, sizeof value);
    if (!swapped_) return value;
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    return value;
  }
  std::uint32_t u32(std::string_view from, std::size_t at) const { return number<std::uint32_t>(from, at); }
  std::uint16_t u16(std::string_view from, std::size_t at) const { return number<std::uint16_t>(from, at); }
  static std::uint8_t u8(std::string_view from, std::size_t at) { return static_cast<std::uint8_t>(from[at]); }
  std::string_view page_at(std::uint32_t number) const {
    return bytes_.substr(std::size_t{number} * page_size_, page_size_);
  }
  std::size_t item_offset(std::string_view page, std::size_t index) const { return u16(page, kItemsAt + 2 * index); }

  std::string_view bytes_;
  const VisitRecord& visit_;
  std::size_t overflow_left_;  // a sound file has each overflow page in one chain: all chains fit into its size
  bool swapped_ = false;
  std::size_t page_size_ = 0;
  std::uint32_t last_page_ = 0;
};

std::unexpected<Error> broken(std::string_view what) {
  return fail(Errc::corrupt, fmt::format("damaged database: {}", what));
}

Result<> Reader::read_meta(DbKind kind) {
  if (bytes_.size() < kMinPageSize) return broken("too short");
  swapped_ = false;
  const std::uint32_t magic = u32(bytes_, kMagicAt);
  swapped_ = magic != kHashMagic && magic != kBtreeMagic;
  const std::uint32_t true_magic = u32(bytes_, kMagicAt);
  if (true_magic != kHashMagic && true_magic != kBtreeMagic) return broken("no Berkeley DB hash or btree file");
  const DbKind found = true_magic == kHashMagic ? DbKind::hash : DbKind::btree;
  if (found != kind) {
    return fail(Errc::invalid, fmt::format("the file is a {} database, not {}", to_text(found), to_text(kind)));
  }
  const std::uint32_t version = u32(bytes_, kVersionAt);
  if (version < kMinVersion || version > kMaxVersion) {
    return fail(Errc::unsupported, fmt::format("database format version {}", version));
  }
  const bool is_plain = u8(bytes_, kEncryptionAt) == 0 && (u8(bytes_, kMetaFlagsAt) & kMetaChecksum) == 0 &&
                        u32(bytes_, kPartitionsAt) == 0 && u32(bytes_, kFlagsAt) == kPlainFlags;
  if (!is_plain) {
    return fail(Errc::unsupported, "database with duplicates, sub-databases, partitions, checksums or encryption");
  }
  page_size_ = u32(bytes_, kPageSizeAt);
  if (page_size_ < kMinPageSize || page_size_ > kMaxPageSize || (page_size_ & (page_size_ - 1)) != 0) {
    return broken("page size");
  }
  last_page_ = u32(bytes_, kLastPageAt);
  if (bytes_.size() / page_size_ < std::size_t{last_page_} + 1) return broken("pages are missing at the end");
  return {};
}

Result<> Reader::run(DbKind kind) {
  if (auto meta = read_meta(kind); !meta) return meta;
  for (std::uint32_t number = 1; number <= last_page_; ++number) {
    const auto page = page_at(number);
    const std::uint8_t type = u8(page, kPageTypeAt);
    const bool has_records = kind == DbKind::hash ? (type == kHashPage || type == kOldHashPage) : type == kBtreeLeaf;
    if (!has_records) continue;
    if (u32(page, kPageNumberAt) != number) return broken(fmt::format("page {} has another page's number", number));
    if (auto done = read_page(kind, page); !done) {
      return fail(done.error().code, fmt::format("{} (page {})", done.error().text, number));
    }
  }
  return {};
}

Result<> Reader::read_page(DbKind kind, std::string_view page) {
  const std::size_t entries = u16(page, kEntriesAt);
  if (entries % 2 != 0 || kItemsAt + 2 * entries > page_size_) return broken("number of items");
  std::string key_buffer, value_buffer;
  for (std::size_t index = 0; index < entries; index += 2) {
    const auto key = item(kind, page, index, key_buffer);
    if (!key) return std::unexpected(key.error());
    const auto value = item(kind, page, index + 1, value_buffer);
    if (!value) return std::unexpected(value.error());
    if (*key && *value) visit_(**key, **value);
  }
  return {};
}

Result<std::optional<std::string_view>> Reader::item(DbKind kind, std::string_view page, std::size_t index,
                                                     std::string& buffer) {
  const std::size_t entries = u16(page, kEntriesAt);
  const std::size_t at = item_offset(page, index);
  if (at < kItemsAt + 2 * entries || at >= page_size_) return broken("item offset");
  return kind == DbKind::hash ? hash_item(page, index, buffer) : btree_item(page, index, buffer);
}

// type byte, then the data up to the item before; or 3 unused bytes, overflow page, length.
Result<std::optional<std::string_view>> Reader::hash_item(std::string_view page, std::size_t index,
                                                          std::string& buffer) {
  const std::size_t at = item_offset(page, index);
  const std::size_t end = index == 0 ? page_size_ : item_offset(page, index - 1);
  if (end <= at || end > page_size_) return broken("item length");
  const auto bytes = page.substr(at, end - at);
  switch (u8(bytes, 0)) {
    case kHashData:
      return bytes.substr(1);
    case kHashOffPage: {
      if (bytes.size() < kOffPageItemBytes) return broken("item length");
      const auto text = overflow(u32(bytes, 4), u32(bytes, 8), buffer);
      if (!text) return std::unexpected(text.error());
      return *text;
    }
    default:
      return broken("item type");
  }
}

// length, type byte, data; or 2 unused bytes, type, 1 unused byte, overflow page, length.
Result<std::optional<std::string_view>> Reader::btree_item(std::string_view page, std::size_t index,
                                                           std::string& buffer) {
  const auto bytes = page.substr(item_offset(page, index));
  if (bytes.size() < 3) return broken("item length");
  const std::uint8_t type = u8(bytes, 2);
  if ((type & kBtreeDeleted) != 0) return std::nullopt;
  if (type == kBtreeData) {
    const std::size_t length = u16(bytes, 0);
    if (bytes.size() < 3 + length) return broken("item length");
    return bytes.substr(3, length);
  }
  if (type != kBtreeOverflow) return broken("item type");
  if (bytes.size() < kOffPageItemBytes) return broken("item length");
  const auto text = overflow(u32(bytes, 4), u32(bytes, 8), buffer);
  if (!text) return std::unexpected(text.error());
  return *text;
}

Result<std::string_view> Reader::overflow(std::uint32_t page_number, std::uint32_t length, std::string& buffer) {
  buffer.clear();
  while (buffer.size() < length) {
    if (page_number == 0 || page_number > last_page_) return broken("overflow page number");
    const auto page = page_at(page_number);
    const std::size_t here = u16(page, kHighOffsetAt);
    if (u8(page, kPageTypeAt) != kOverflowPage || here == 0 || kItemsAt + here > page_size_) {
      return broken("overflow page");
    }
    if (page_size_ > overflow_left_) return broken("overflow pages in more than one chain");
    overflow_left_ -= page_size_;
    buffer.append(page.substr(kItemsAt, here));
    page_number = u32(page, kNextPageAt);
  }
  if (buffer.size() != length) return broken("overflow length");
  return buffer;
}

}  // namespace

std::string_view to_text(DbKind kind) { return kind == DbKind::hash ? "hash" : "btree"; }

Result<> for_each_db_record(std::string_view bytes, DbKind kind, const VisitRecord& visit) {
  return Reader(bytes, visit).run(kind);
}

}  // namespace waypost::tables
