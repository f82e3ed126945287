#include "handlers/search/search_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace hangup::search {
namespace {

std::error_code system_error(int number) noexcept {
  return {number, std::generic_category()};
}

std::error_code refusal(int number) noexcept {
  switch (number) {
    case EXDEV:
    case ELOOP:  // a magic link or a cycle of links: never a way to a file below the root
      return errc::outside_root;
    case ENOENT:
    case ENOTDIR:
      return errc::not_found;
    case ENAMETOOLONG:
      return errc::bad_path;
    case EACCES:
    case EPERM:
      return errc::unreadable;
    case ENXIO:
    case ENODEV:
      return errc::not_searchable;
    case EAGAIN:  // ".." while files are being renamed: treated like a locked tree
      return errc::locked;
    default:
      return system_error(number);
  }
}

std::string reason(const std::string& directory) {
  return "search root " + directory;
}

bool on_kernel_file_system(int fd) noexcept {
  constexpr std::array<std::int64_t, 12> kinds = {
      PROC_SUPER_MAGIC,   SYSFS_MAGIC,         DEBUGFS_MAGIC,    TRACEFS_MAGIC,
      CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC, SELINUX_MAGIC,
      SMACK_MAGIC,        BPF_FS_MAGIC,        PSTOREFS_MAGIC,   DEVPTS_SUPER_MAGIC};
  struct statfs status {};
  return ::fstatfs(fd, &status) == 0 &&
         std::find(kinds.begin(), kinds.end(), status.f_type) != kinds.end();
}

}  // namespace

// The kernel returns EAGAIN if it cannot verify a ".." because of a rename or a mount anywhere on
// the machine at that moment. That is rare; on a machine that renames all the time the call fails.
int open_at(int directory, const char* path, std::uint64_t flags, std::uint64_t resolve) noexcept {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  for (int tries = 0;; ++tries) {
    const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && (errno != EAGAIN || tries == 16))) {
      return static_cast<int>(fd);
    }
  }
}

bool rules::keep_out(int fd, const struct stat& file) {
  return own.has(file) || is_of_the_kernel(fd);
}

bool rules::is_of_the_kernel(int fd) const noexcept {
  return (resolve & RESOLVE_NO_XDEV) == 0 && on_kernel_file_system(fd);
}

root::root(const std::string& directory, root_options how)
    : directory_(directory),
      how_(std::move(how)),
      fd_(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOCTTY)) {
  if (!fd_) {
    throw root_error(system_error(errno), reason(directory));
  }
  const descriptor probe(open2(".", O_RDONLY | O_DIRECTORY));
  if (!probe) {
    const int number = errno;
    // Sandboxes that are older than this system call refuse it with EPERM.
    throw root_error(system_error(number), number == ENOSYS || number == EPERM
                                               ? reason(directory) + ": openat2(2), Linux 5.6"
                                               : reason(directory));
  }
  if (on_kernel_file_system(fd_.get())) {
    throw root_error(errc::not_searchable, reason(directory) + ": a file system of the kernel");
  }
}

rules root::rules_now() const {
  return {across(), how_.own.now()};
}

std::uint64_t root::across() const noexcept {
  return how_.cross_mounts ? 0 : RESOLVE_NO_XDEV;
}

int root::open2(const char* path, std::uint64_t flags) const noexcept {
  return open_at(fd_.get(), path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | across());
}

std::error_code root::open_beneath(const std::string& path, rules& keeping,
                                   opened_path& found) const {
  if (path.find('\0') != std::string::npos) {
    return errc::bad_path;
  }
  const char* const name = path.empty() ? "." : path.c_str();
  // Look at it without opening it first: devices, which may have side effects when opened, are
  // never opened.
  const descriptor seen(open2(name, O_PATH));
  if (!seen) {
    return refusal(errno);
  }
  struct stat before {};
  struct stat after {};
  if (::fstat(seen.get(), &before) != 0) {
    return system_error(errno);
  }
  if (!S_ISREG(before.st_mode) && !S_ISDIR(before.st_mode)) {
    return errc::not_searchable;
  }
  descriptor fd(open2(name, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    return refusal(errno);
  }
  if (::fstat(fd.get(), &after) != 0) {
    return system_error(errno);
  }
  if (!S_ISREG(after.st_mode) && !S_ISDIR(after.st_mode)) {  // replaced in between
    return errc::not_searchable;
  }
  if (keeping.keep_out(fd.get(), after)) {
    return errc::kept_out;
  }
  found = {std::move(fd), S_ISDIR(after.st_mode)};
  return {};
}

std::error_code root::lock_shared(descriptor& held) const {
  descriptor own(open2(".", O_RDONLY | O_DIRECTORY));
  if (!own) {
    return system_error(errno);
  }
  if (::flock(own.get(), LOCK_SH | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? make_error_code(errc::locked) : system_error(errno);
  }
  held = std::move(own);
  return {};
}

}  // namespace hangup::search
