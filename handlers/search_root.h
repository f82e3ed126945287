// The directory that strangers may search, and nothing outside of it: what the kernel promises with
// openat2(RESOLVE_BENEATH), not what a check of path strings believes.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include "handlers/own_files.h"
#include "handlers/search_error.h"

namespace hangup::search {

// Owns a file descriptor. Move-only.
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Thrown by the constructor of root only, at start-up. code() is an errno; what() is one line for
// the operator: "search root /srv/logs: No such file or directory".
class root_error : public std::system_error {
  using std::system_error::system_error;
};

// What open_beneath has found.
struct opened_path {
  descriptor fd;  // readable, close-on-exec, at the start
  bool is_directory = false;
};

struct root_options {
  bool cross_mounts = false;  // whether what is mounted below the directory is searched as well
  own_files own{};            // never opened
};

// openat2(2), tried again where the kernel asks for that; close-on-exec. -1 and errno.
int open_at(int directory, const char* path, std::uint64_t flags, std::uint64_t resolve) noexcept;

// What holds for everything that one search opens. Not thread-safe.
struct rules {
  std::uint64_t resolve = 0;  // RESOLVE_NO_XDEV, unless mounts may be crossed
  own_files_now own;

  // Must the open file not be read? It is the server's own, or of the kernel.
  [[nodiscard]] bool keep_out(int fd, const struct stat& file);
  // Is it, where mounts may be crossed, on a file system of the kernel's own (/proc, /sys ...)?
  // There are the environment and the memory of processes, this one's as well.
  [[nodiscard]] bool is_of_the_kernel(int fd) const noexcept;
};

// Immutable after construction: every function may be called from any thread.
class root {
 public:
  // Opens the directory and tries openat2(2) on it. A relative path counts from the working
  // directory of now; later chdir, renames and mounts over the path change nothing.
  // Throws root_error: missing, not a directory, not permitted, on a file system of the kernel's
  // own, kernel (or sandbox) without openat2.
  explicit root(const std::string& directory, root_options how = {});

  [[nodiscard]] rules rules_now() const;

  // Opens a regular file or a directory for reading. The path is relative to the root and may use
  // symlinks and ".." as long as no step of it leaves the root or breaks the rules; "" is the root
  // itself. Never blocks on FIFOs and never opens devices. On failure returns an errc of this room
  // other than bad_pattern, or an errno that is not the path's fault (EMFILE, ENOMEM, EIO), and
  // leaves `found` alone.
  std::error_code open_beneath(const std::string& path, rules& keeping, opened_path& found) const;

  // Takes a shared flock(2) on the root, on an open file description of its own, without waiting;
  // closing `held` gives it back. errc::locked if someone holds it exclusively. Whoever wants to
  // change the tree as a whole takes LOCK_EX on the directory and finds no search running.
  std::error_code lock_shared(descriptor& held) const;

  // As configured, for logs.
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }

 private:
  [[nodiscard]] std::uint64_t across() const noexcept;
  [[nodiscard]] int open2(const char* path, std::uint64_t flags) const noexcept;

  std::string directory_;
  root_options how_;
  descriptor fd_;  // O_PATH: names the directory, reads nothing
};

}  // namespace hangup::search
