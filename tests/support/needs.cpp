#include "tests/support/needs.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <utility>

#include "tests/support/sanitized.h"

namespace hangup::test {
namespace {

// The Debian packages of programs that are not called as they are.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> packages = {{
    {"ip", "iproute2"},
    {"nft", "nftables"},
    {"nginx", "nginx-light"},
    {"postgres", "postgresql"},
    {"prlimit", "util-linux"},
    {"setpriv", "util-linux"},
    {"unshare", "util-linux"},
}};

std::string_view package_of(std::string_view program) {
  for (const auto& [name, package] : packages) {
    if (name == program) {
      return package;
    }
  }
  return program;
}

// Is this done to a process if it asks for it? Asks in a child.
bool allowed(bool (*ask)()) {
  const auto child = ::fork();
  if (child == 0) {
    ::_exit(ask() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

}  // namespace

std::string find_program(std::string_view name) {
  const char* const path = ::getenv("PATH");
  std::istringstream folders(std::string(path != nullptr ? path : "") +
                             ":/usr/local/sbin:/usr/sbin:/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    auto file = (folder.empty() ? "." : folder) + "/" + std::string(name);
    if (::access(file.c_str(), X_OK) == 0) {
      return file;
    }
  }
  return {};
}

need program(std::string_view name) {
  if (!find_program(name).empty()) {
    return {};
  }
  return {"needs " + std::string(name) + ": apt-get install " + std::string(package_of(name))};
}

need root() {
  return ::geteuid() == 0 ? need{} : need{"needs root"};
}

need network_namespace() {
  if (::geteuid() != 0) {
    return root();
  }
  return allowed([] { return ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0; })
             ? need{}
             : need{"needs to be allowed to make network namespaces"};
}

bool enter_own_mounts() {
  const bool alone = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  return alone && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

need mount_namespace() {
  return allowed(&enter_own_mounts)
             ? need{}
             : need{"needs to be allowed to mount in a namespace of its own"};
}

need ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_addr = in6addr_loopback;
  const bool there = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  ::close(fd);
  return there ? need{} : need{"needs IPv6 on the loopback interface"};
}

need no_sanitizer(std::string_view why) {
  return sanitized ? need{"needs a build without a sanitizer, which " + std::string(why), false}
                   : need{};
}

need no_thread_sanitizer(std::string_view why) {
  return tsan ? no_sanitizer(why) : need{};
}

void needs(std::initializer_list<need> all) {
  std::string missing;
  bool fails = false;
  for (const auto& one : all) {
    if (!one.missing.empty()) {
      missing += (missing.empty() ? "" : ", ") + one.missing;
      fails = fails || (one.in_every_ci && ::getenv("CI") != nullptr);
    }
  }
  if (missing.empty()) {
    return;
  }
  [&] {
    if (fails) {
      FAIL() << missing;
    }
    GTEST_SKIP() << missing;
  }();
  // The exception that gtest takes for a result that has been told already: it unwinds the test.
  throw testing::AssertionException(testing::TestPartResult(
      fails ? testing::TestPartResult::kFatalFailure : testing::TestPartResult::kSkip, __FILE__,
      __LINE__, missing.c_str()));
}

}  // namespace hangup::test
