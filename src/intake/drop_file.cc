#include "intake/drop_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <random>

#include <fmt/format.h>

#include "base/text.h"

namespace waypost::intake {
namespace {

constexpr std::string_view kMagic = "waypost-drop 1\n";

Result<> add_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.size() > kMaxDropFieldLength)
    return fail(Errc::invalid, fmt::format("{} is longer than {} characters", name, kMaxDropFieldLength));
  if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    return fail(Errc::invalid, fmt::format("{} contains a line break", name));
  }
  fmt::format_to(std::back_inserter(out), "{}: {}\n", name, value);
  return {};
}

Result<> set_field(Drop& drop, std::string_view name, std::string_view value) {
  if (name == "sender") {
    drop.sender = value;
  } else if (name == "recipient") {
    if (drop.recipients.size() == kMaxDropRecipients) return fail(Errc::invalid, "too many recipients");
    drop.recipients.emplace_back(value);
  } else if (name == "fullname") {
    drop.full_name = value;
  } else if (name == "encoding") {
    drop.encoding = value == "8bit" ? mail::BodyEncoding::eight_bit_mime : mail::BodyEncoding::seven_bit;
  } else if (name == "notify") {
    const auto bits = parse_number(value, 15);
    if (!bits) return fail(Errc::invalid, "bad notify value");
    drop.notify = static_cast<std::uint8_t>(*bits);
  } else if (name == "return") {
    drop.dsn_return = value == "headers" ? mail::DsnReturn::headers : mail::DsnReturn::full;
  } else if (name == "envid") {
    drop.dsn_envid = value;
  } else {
    return fail(Errc::invalid, fmt::format("unknown field \"{}\"", printable(name, 40)));
  }
  return {};
}

// Makes the file look as if its submitter had written it then.
bool stamp(int fd, const DropOrigin& origin) {
  const auto since_epoch = origin.submitted.time_since_epoch().count();
  const timespec time{since_epoch / 1'000'000, since_epoch % 1'000'000 * 1000};
  const timespec times[2] = {time, time};
  return ::fchown(fd, origin.submitter, static_cast<gid_t>(-1)) == 0 && ::futimens(fd, times) == 0;
}

// Writes all of `text`, stamps it and syncs it. The descriptor is closed in every case.
Result<> write_and_close(int fd, std::string_view text, const std::string& path, const DropOrigin* origin) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::close(fd);
      return fail(error == ENOSPC ? Errc::no_space : Errc::io, fmt::format("write {}: {}", path, errno_text(error)));
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  const bool synced = (origin == nullptr || stamp(fd, *origin)) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  if (!synced) return fail(Errc::io, fmt::format("sync {}: {}", path, errno_text(error)));
  return {};
}

Result<> write_file(const std::string& folder, const Drop& drop, const std::string& name, const DropOrigin* origin) {
  auto text = encode_drop(drop);
  if (!text) return std::unexpected(text.error());
  const auto temporary = fmt::format("{}/.{}", folder, name);  // pickup passes over names that begin with a dot
  const auto final_path = fmt::format("{}/{}", folder, name);
  if (origin != nullptr) ::unlink(temporary.c_str());  // of an earlier attempt
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    const int error = errno;
    return fail(error == ENOSPC ? Errc::no_space : Errc::io,
                fmt::format("create file {}: {}", temporary, errno_text(error)));
  }
  auto written = write_and_close(fd, *text, temporary, origin);
  if (written && ::rename(temporary.c_str(), final_path.c_str()) != 0) {
    written = fail(Errc::io, fmt::format("rename {}: {}", temporary, errno_text(errno)));
  }
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  // The name must survive a crash too; a folder that may not be read (mode 1733) cannot be opened, and then the
  // file system's own ordering has to do.
  if (const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace

Result<std::string> encode_drop(const Drop& drop) {
  std::string out(kMagic);
  if (auto r = add_field(out, "sender", drop.sender); !r) return std::unexpected(r.error());
  if (drop.recipients.size() > kMaxDropRecipients) return fail(Errc::invalid, "too many recipients");
  for (const auto& recipient : drop.recipients) {
    if (auto r = add_field(out, "recipient", recipient); !r) return std::unexpected(r.error());
  }
  if (!drop.full_name.empty()) {
    if (auto r = add_field(out, "fullname", drop.full_name); !r) return std::unexpected(r.error());
  }
  if (!drop.dsn_envid.empty()) {
    if (auto r = add_field(out, "envid", drop.dsn_envid); !r) return std::unexpected(r.error());
  }
  if (drop.encoding != mail::BodyEncoding::unspecified) {
    out += drop.encoding == mail::BodyEncoding::eight_bit_mime ? "encoding: 8bit\n" : "encoding: 7bit\n";
  }
  if (drop.notify != mail::Notify::kNoneGiven) out += fmt::format("notify: {}\n", drop.notify);
  if (drop.dsn_return != mail::DsnReturn::unspecified) {
    out += drop.dsn_return == mail::DsnReturn::headers ? "return: headers\n" : "return: full\n";
  }
  out += '\n';
  out += drop.content;
  return out;
}

Result<Drop> parse_drop(std::string_view text) {
  if (!text.starts_with(kMagic)) return fail(Errc::invalid, "not a dropped message");
  text.remove_prefix(kMagic.size());
  Drop drop;
  while (true) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos || end > kMaxDropFieldLength + 16)
      return fail(Errc::invalid, "unfinished or too long field");
    const auto line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.empty()) break;
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) return fail(Errc::invalid, "field without a value");
    if (auto r = set_field(drop, line.substr(0, colon), line.substr(colon + 2)); !r) return std::unexpected(r.error());
  }
  drop.content = text;
  return drop;
}

Result<> write_drop(const std::string& folder, const Drop& drop) {
  std::random_device random;
  return write_file(folder, drop, fmt::format("{:08x}{:08x}.{}", random(), random(), ::getpid()), nullptr);
}

Result<> write_drop(const std::string& folder, const Drop& drop, const DropOrigin& origin) {
  return write_file(folder, drop, origin.name, &origin);
}

}  // namespace waypost::intake
