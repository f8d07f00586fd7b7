// memcache:/x.cf: memcached, with another table behind it that has what the cache does not (memcache_table(5)).
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "base/text.h"
#include "tables/defined_table.h"
#include "tables/lookup_protocols.h"
#include "tables/remote_table.h"
#include "tables/server_link.h"
#include "tables/table_definition.h"
#include "tables/types.h"

namespace waypost::tables {
namespace {

constexpr std::chrono::seconds kBackupTimeout{30};
constexpr std::int64_t kMaxSeconds = 3600;

struct MemcacheSettings {
  std::string table;  // "memcache:/x.cf"
  ServerAddress server;
  std::shared_ptr<const Table> backup;  // may be null
  KeyTemplate key_format;
  const EVP_MD* digest = nullptr;  // null: none
  memcache::Limits limits;
  std::uint32_t flags = 0;
  std::int64_t ttl_s = 0;
  std::int64_t max_try = 0;
  std::chrono::seconds retry_pause{}, timeout{};
  Log log;
};

std::string hex_digest(const EVP_MD* digest, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned length = 0;
  if (::EVP_Digest(text.data(), text.size(), sum.data(), &length, digest, nullptr) != 1) return {};
  std::string out;
  for (unsigned i = 0; i < length; ++i) out += fmt::format("{:02x}", sum[i]);
  return out;
}

class MemcacheClient final : public RemoteClient {
 public:
  explicit MemcacheClient(std::shared_ptr<const MemcacheSettings> settings)
      : settings_(std::move(settings)), link_(settings_->server, {}) {}

  Lookup find(std::string_view key, const Patience& patience) override {
    auto cache_key = settings_->key_format.expand_query(key, [](auto text, std::string& out) { out += text; });
    if (settings_->digest != nullptr) cache_key = hex_digest(settings_->digest, cache_key);
    if (!memcache::is_key(cache_key)) return std::nullopt;
    const auto get = [this](std::string_view received) { return memcache::parse_get(received, settings_->limits); };
    auto cached = ask(memcache::get(cache_key), get, patience);
    if (cached && cached->kind == ServerAnswer::Kind::found) return std::move(cached->text);
    if (settings_->backup == nullptr) {
      if (cached) return std::nullopt;
      return fail(Errc::unavailable, std::move(cached.error().text));
    }
    auto stored = settings_->backup->find(key);
    if (stored && *stored && cached) store(cache_key, **stored, patience);
    return stored;
  }

 private:
  // A server that does not accept connections is not tried again.
  Result<ServerAnswer> ask(std::string_view request, const std::function<Parsed(std::string_view)>& parse,
                           const Patience& patience) {
    for (std::int64_t tries = 1;; ++tries) {
      auto answer = link_.ask(request, parse, patience.at_most(settings_->timeout));
      if (answer) return answer;
      const bool is_refused = answer.error().code == Errc::refused;
      if (is_refused || tries >= settings_->max_try || !patience.pause(settings_->retry_pause)) {
        return fail(Errc::unavailable, fmt::format("database {}: {}", settings_->table, answer.error().text));
      }
    }
  }

  // What cannot be stored is asked for again: the answer stands.
  void store(std::string_view cache_key, std::string_view value, const Patience& patience) {
    if (value.size() > settings_->limits.data) {
      return settings_->log.warning("database {}: data for key {} is too long (data_size_limit={}) -- not stored",
                                    settings_->table, printable(cache_key, 100), settings_->limits.data);
    }
    const auto set = [this](std::string_view received) { return memcache::parse_set(received, settings_->limits); };
    const auto answer = ask(memcache::set(cache_key, settings_->flags, settings_->ttl_s, value), set, patience);
    if (answer && answer->kind != ServerAnswer::Kind::found) {
      settings_->log.warning("database {}: update failed: {}", settings_->table, answer->text);
    }
  }

  std::shared_ptr<const MemcacheSettings> settings_;
  ServerLink link_;
};

Result<MemcacheSettings> read_settings(TableDefinition& definition, const TableSource& source) {
  auto server =
      ServerAddress::parse(definition.text("memcache", "inet:localhost:11211"), source.settings.queue_directory);
  if (!server) return std::unexpected(server.error());
  auto key_format = KeyTemplate::parse(definition.text("key_format", "%s"), KeyTemplate::Use::query);
  if (!key_format) return std::unexpected(key_format.error());
  const EVP_MD* digest = nullptr;
  if (definition.has("key_digest")) {
    digest = ::EVP_get_digestbyname(definition.text("key_digest").c_str());
    if (digest == nullptr)
      definition.reject(fmt::format("key digest {} is not available", definition.text("key_digest")));
  }
  MemcacheSettings out{.table = source.name(),
                       .server = std::move(*server),
                       .backup = nullptr,
                       .key_format = std::move(*key_format),
                       .digest = digest,
                       .limits = {.line = static_cast<std::size_t>(definition.number("line_size_limit", 1024, 1)),
                                  .data = static_cast<std::size_t>(definition.number("data_size_limit", 10'240, 1))},
                       .flags = static_cast<std::uint32_t>(definition.number("flags", 0)),
                       .ttl_s = definition.number("ttl", 3600),
                       .max_try = definition.number("max_try", 2, 1, 100),
                       .retry_pause = std::chrono::seconds(definition.number("retry_pause", 1, 1, kMaxSeconds)),
                       .timeout = std::chrono::seconds(definition.number("timeout", 2, 1, kMaxSeconds)),
                       .log = source.log};
  if (definition.has("backup")) out.backup = source.open_member(definition.text("backup"));
  return out;
}

}  // namespace

std::shared_ptr<const Table> make_memcache_table(const TableSource& source) {
  return make_defined_table(source, [&](TableDefinition& definition, RemoteSpec& spec) -> Result<> {
    auto read = read_settings(definition, source);
    if (!read) return std::unexpected(read.error());
    spec.needs = read->key_format.key_needs();
    spec.timeout = read->max_try * (2 * read->timeout + read->retry_pause) +
                   (read->backup ? kBackupTimeout : std::chrono::seconds(0));
    const auto settings = std::make_shared<const MemcacheSettings>(std::move(*read));
    spec.make_client = [settings] { return std::make_unique<MemcacheClient>(settings); };
    return {};
  });
}

}  // namespace waypost::tables
