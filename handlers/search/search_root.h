// The directory that clients may search, and nothing outside of it. The kernel guarantees this with
// openat2(RESOLVE_BENEATH); path strings are not relied on.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

#include "handlers/search/own_files.h"
#include "handlers/search/search_error.h"
#include "http/net/descriptor.h"

namespace hangup::search {

using http::descriptor;

// Thrown only by the constructor of root, at start-up. code() is an errno; what() is one line for
// the operator: "search root /srv/logs: No such file or directory".
class root_error : public std::system_error {
  using std::system_error::system_error;
};

// The result of open_beneath().
struct opened_path {
  descriptor fd;  // readable, close-on-exec, at offset 0
  bool is_directory = false;
};

struct root_options {
  bool cross_mounts = false;  // whether to search file systems mounted below the directory as well
  own_files own{};            // files that are never opened
};

// openat2(2) with close-on-exec; repeats the call if the kernel asks for that. On error returns -1
// and sets errno.
int open_at(int directory, const char* path, std::uint64_t flags, std::uint64_t resolve) noexcept;

// The rules for everything that one search opens. Not thread-safe.
struct rules {
  std::uint64_t resolve = 0;  // RESOLVE_NO_XDEV, unless mounts may be crossed
  own_files_now own;

  // Whether the open file must not be read, because it is the server's own or the kernel's.
  [[nodiscard]] bool keep_out(int fd, const struct stat& file);
  // Whether, if mounts may be crossed, it is on a file system of the kernel itself (/proc, /sys
  // ...). Those expose the environment and the memory of processes, including this one.
  [[nodiscard]] bool is_of_the_kernel(int fd) const noexcept;
};

// Immutable: every function may be called from any thread.
class root {
 public:
  // Opens the directory, and checks that openat2(2) works on it. A relative path is relative to the
  // current working directory; later changes of the working directory, renames and mounts have no
  // effect. Throws root_error if the directory is missing, not a directory, not permitted or on a
  // file system of the kernel itself, or if the kernel (or a sandbox) has no openat2.
  explicit root(const std::string& directory, root_options how = {});

  [[nodiscard]] rules rules_now() const;

  // Opens a regular file or a directory for reading. The path is relative to the root. It may use
  // symbolic links and "..", if no step of it leaves the root or breaks the rules; "" is the root
  // itself. Never blocks on FIFOs and never opens devices. On error returns a search::errc other
  // than bad_pattern, or an errno that is not caused by the path (EMFILE, ENOMEM, EIO), and leaves
  // `found` unchanged.
  std::error_code open_beneath(const std::string& path, rules& keeping, opened_path& found) const;

  // Takes a shared flock(2) on the root without waiting, on an open file description of its own;
  // closing `held` releases it. Returns errc::locked if another process holds the lock exclusively.
  // A process that wants to change the whole tree can take LOCK_EX on the directory, and then no
  // search is running.
  std::error_code lock_shared(descriptor& held) const;

  // As configured, for logs.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  [[nodiscard]] std::uint64_t across() const noexcept;
  [[nodiscard]] int open2(const char* path, std::uint64_t flags) const noexcept;

  std::string directory_;
  root_options how_;
  descriptor fd_;  // O_PATH: refers to the directory, cannot be read
};

}  // namespace hangup::search
