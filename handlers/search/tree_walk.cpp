#include "handlers/search/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace hangup::search {
namespace {

constexpr std::size_t entries_size = 16U * 1024;  // bytes per level: about 500 names

// O_NONBLOCK: the open must not block on a FIFO that has replaced a file, or on a file with a
// lease.
constexpr int open_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

unsigned char type_of(mode_t mode) noexcept {
  return static_cast<unsigned char>(IFTODT(mode));
}

}  // namespace

tree_walk::tree_walk(const context& ctx, const line_matcher& matcher, std::uint64_t max_matches,
                     rules& keeping, sink& out, summary& sum)
    : ctx_(ctx),
      max_matches_(max_matches),
      keeping_(keeping),
      out_(out),
      sum_(sum),
      scanner_(matcher) {}

std::error_code tree_walk::run(opened_path start, std::string path) {
  path_ = std::move(path);
  std::error_code error = ctx_.err();
  if (!error && start.is_directory) {
    push(std::move(start.fd));
    error = walk();
  } else if (!error) {
    error = search(start.fd.get());
  }
  if (sum_.limit_reached) {
    return {};
  }
  // The end of the context takes precedence over any other error.
  return ctx_.done() && error ? ctx_.err() : error;
}

std::error_code tree_walk::walk() {
  while (!levels_.empty()) {
    if (ctx_.done()) {
      return ctx_.err();
    }
    level& top = levels_.back();
    if (top.next == top.end) {
      if (!fill(top)) {
        levels_.pop_back();
      }
      if (const auto error = out_.idle()) {
        return error;
      }
      continue;
    }
    // The buffer is aligned, and so are the entries that the kernel writes into it.
    const auto* const entry = reinterpret_cast<const dirent64*>(top.entries.get() + top.next);
    top.next += entry->d_reclen;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    path_.resize(top.path_size);
    if (!path_.empty()) {
      path_ += '/';
    }
    path_ += name;
    if (path_.size() > max_path) {
      ++sum_.skipped.too_deep;
      continue;
    }
    if (const auto error = visit(entry->d_name, entry->d_type)) {
      return error;
    }
  }
  return {};
}

// Reads the next block of entries. Returns false at the end of the directory.
bool tree_walk::fill(level& top) {
  const ssize_t got = ::getdents64(top.fd.get(), top.entries.get(), entries_size);
  if (got < 0) {
    ++(errno == ENOENT ? sum_.skipped.vanished : sum_.skipped.unreadable);
  }
  top.next = 0;
  top.end = got > 0 ? static_cast<std::size_t>(got) : 0;
  return got > 0;
}

std::error_code tree_walk::visit(const char* name, unsigned char type) {
  if (type == DT_UNKNOWN) {  // on file systems that do not store the type in the directory
    struct stat status {};
    if (::fstatat(levels_.back().fd.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return not_opened(errno);
    }
    type = type_of(status.st_mode);
  }
  switch (type) {
    case DT_REG:
      return visit_file(name);
    case DT_DIR:
      return enter(name);
    case DT_LNK:
      ++sum_.skipped.symlink;
      return {};
    default:
      ++sum_.skipped.special;
      return {};
  }
}

descriptor tree_walk::open(const char* name, int flags) const {
  return descriptor(
      open_at(levels_.back().fd.get(), name, static_cast<std::uint64_t>(flags), keeping_.resolve));
}

std::error_code tree_walk::visit_file(const char* name) {
  const descriptor fd = open(name, open_flags);
  return fd ? search(fd.get()) : not_opened(errno);
}

std::error_code tree_walk::enter(const char* name) {
  if (levels_.size() > max_depth) {
    ++sum_.skipped.too_deep;
    return {};
  }
  descriptor fd = open(name, open_flags | O_DIRECTORY);
  if (!fd) {
    return not_opened(errno);
  }
  if (keeping_.is_of_the_kernel(fd.get())) {
    ++sum_.skipped.kept_out;
    return {};
  }
  push(std::move(fd));
  return {};
}

void tree_walk::push(descriptor fd) {
  levels_.push_back(
      {std::move(fd), path_.size(), std::make_unique_for_overwrite<char[]>(entries_size)});
}

// Counts the reason, or ends the search if the file is not the cause.
std::error_code tree_walk::not_opened(int number) {
  switch (number) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return {number, std::generic_category()};
    case ENOENT:
    case ENOTDIR:
      ++sum_.skipped.vanished;
      return {};
    case EXDEV:
      ++sum_.skipped.mount;
      return {};
    case ELOOP:
      ++sum_.skipped.symlink;
      return {};
    case ENXIO:
    case ENODEV:
      ++sum_.skipped.special;
      return {};
    default:
      ++sum_.skipped.unreadable;
      return {};
  }
}

std::error_code tree_walk::search(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    ++sum_.skipped.unreadable;
    return {};
  }
  if (!S_ISREG(status.st_mode)) {  // replaced after its directory was read
    ++sum_.skipped.special;
    return {};
  }
  if (keeping_.keep_out(fd, status)) {
    ++sum_.skipped.kept_out;
    return {};
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  const file_end end = scanner_.scan(ctx_, fd, size, *this);
  if (end.stopped) {
    ++sum_.files;
    return end.stopped;
  }
  ++(end.broken ? sum_.skipped.unreadable : end.binary ? sum_.skipped.binary : sum_.files);
  return out_.idle();
}

std::error_code tree_walk::on_line(const found_line& line) {
  ++sum_.matches;
  if (const auto error =
          out_.on_match({path_, line.number, line.column, line.text, line.truncated})) {
    return error;
  }
  if (sum_.matches == max_matches_) {
    sum_.limit_reached = true;
    return std::make_error_code(std::errc::result_out_of_range);  // ends the scan; see run()
  }
  return {};
}

std::error_code tree_walk::on_bytes(std::size_t count) {
  sum_.bytes += count;
  return out_.idle();
}

}  // namespace hangup::search
