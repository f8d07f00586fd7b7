#include <fcntl.h>
#include <getopt.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "base/secret.h"
#include "base/text.h"
#include "config/reader.h"
#include "smtp_server/password_file.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/context.h"

// waypost sasl-user: the users of smtpd_sasl_type = waypost, one "user:crypt(3) hash" a line.

namespace waypost::tools {
namespace {

constexpr std::size_t kMaxPassword = 512, kMaxUser = 256;

struct Line {
  std::string user, rest;  // rest: all behind the first colon
};

Result<std::vector<Line>> read_users(const std::string& path) {
  std::vector<Line> out;
  std::ifstream in(path);
  if (!in) {
    if (::access(path.c_str(), F_OK) != 0) return out;
    return fail(Errc::io, fmt::format("open {}: {}", path, errno_text(errno)));
  }
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(':');
    out.push_back(colon == std::string::npos ? Line{line, ""} : Line{line.substr(0, colon), line.substr(colon + 1)});
  }
  return out;
}

// Whole or not at all: a new file takes the old one's place, with its owner and mode.
Result<> write_users(const std::string& path, const std::vector<Line>& users) {
  const auto temporary = fmt::format("{}.{}", path, ::getpid());
  struct stat old{};
  const bool existed = ::stat(path.c_str(), &old) == 0;
  const int fd =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, existed ? old.st_mode & 0777 : 0600);
  if (fd < 0) return fail(Errc::io, fmt::format("create {}: {}", temporary, errno_text(errno)));
  std::string text;
  for (const auto& line : users)
    text += line.rest.empty() ? line.user + "\n" : fmt::format("{}:{}\n", line.user, line.rest);
  bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  if (ok && existed) ok = ::fchown(fd, old.st_uid, old.st_gid) == 0;
  const int error = errno;
  ::close(fd);
  if (!ok || ::rename(temporary.c_str(), path.c_str()) != 0) {
    ::unlink(temporary.c_str());
    return fail(Errc::io, fmt::format("write {}: {}", path, errno_text(error)));
  }
  return {};
}

// From the terminal without echo, or the first line of standard input.
Secret read_password() {
  termios before{};
  const bool terminal = ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    std::cerr << "Password: " << std::flush;
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
    std::cerr << '\n';
  }
  if (line.ends_with('\r')) line.pop_back();
  return Secret(std::move(line));
}

Result<std::string> hash(const Secret& password) {
  if (password.empty() || password.reveal().size() > kMaxPassword) {
    return fail(Errc::invalid, fmt::format("a password has 1 to {} characters", kMaxPassword));
  }
  return smtp_server::hash_password(password.reveal());
}

int add(const Console& console, const std::string& path, const std::string& user, std::vector<Line> users) {
  if (user.empty() || user.size() > kMaxUser || user.find_first_of(": \t\r\n#") != std::string::npos) {
    return console.fatal("a user name has no blanks, colons or '#', and at most 256 characters", kExitUsage);
  }
  auto hashed = hash(read_password());
  if (!hashed) return console.fatal(hashed.error().text, kExitFailure);
  std::erase_if(users, [&](const Line& line) { return line.user == user; });
  users.push_back({user, std::move(*hashed)});
  if (auto written = write_users(path, users); !written) return console.fatal(written.error().text, kExitFailure);
  return kExitOk;
}

int remove(const Console& console, const std::string& path, const std::string& user, std::vector<Line> users) {
  if (std::erase_if(users, [&](const Line& line) { return line.user == user; }) == 0) {
    return console.fatal(fmt::format("no user {} in {}", user, path), kExitFailure);
  }
  if (auto written = write_users(path, users); !written) return console.fatal(written.error().text, kExitFailure);
  return kExitOk;
}

}  // namespace

int sasluser_main(int argc, char** argv) {
  const Console console("sasl-user");
  std::string directory;
  optind = 1;
  for (int c = 0; (c = ::getopt(argc, argv, "c:")) != -1;) {
    if (c == 'c') directory = optarg;
    if (c == '?') return kExitUsage;
  }
  const std::string verb = optind < argc ? argv[optind] : "", user = optind + 1 < argc ? argv[optind + 1] : "";
  const auto context = open_context(directory);
  if (!context) return console.fatal(context.error().text, kExitFailure);
  config::Findings findings;
  const auto view = context->configuration->view();
  const auto path = config::Reader(view, findings).text("waypost_sasl_password_file");
  auto users = read_users(path);
  if (!users) return console.fatal(users.error().text, kExitFailure);
  if (verb == "add" && !user.empty()) return add(console, path, user, std::move(*users));
  if (verb == "remove" && !user.empty()) return remove(console, path, user, std::move(*users));
  if (verb == "list") {
    for (const auto& line : *users) {
      if (!line.rest.empty() && !line.user.starts_with('#')) write_stdout(line.user + "\n");
    }
    return kExitOk;
  }
  return console.fatal(
      "usage: waypost sasl-user [-c config_dir] add USER | remove USER | list   (add reads the password from standard "
      "input)",
      kExitUsage);
}

}  // namespace waypost::tools
