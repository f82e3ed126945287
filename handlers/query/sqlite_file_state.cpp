#include "handlers/query/sqlite_file_state.h"

namespace hangup::query {
namespace {

bool has_bytes(const std::string& path) noexcept {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && s.st_size > 0;
}

bool same(const timespec& a, const timespec& b) noexcept {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

file_state file_state::of(const std::string& path) noexcept {
  file_state s;
  s.exists = ::stat(path.c_str(), &s.file) == 0;
  try {
    s.has_wal = has_bytes(path + "-wal");
    s.has_journal = has_bytes(path + "-journal");
  } catch (...) {  // no memory for a name: assume that the files exist
    s.has_wal = true;
  }
  return s;
}

bool file_state::is_file_of(const file_state& other) const noexcept {
  return exists && other.exists && file.st_dev == other.file.st_dev &&
         file.st_ino == other.file.st_ino;
}

bool file_state::is_unchanged_since(const file_state& other) const noexcept {
  return is_file_of(other) && has_wal == other.has_wal && has_journal == other.has_journal &&
         file.st_size == other.file.st_size && same(file.st_mtim, other.file.st_mtim) &&
         same(file.st_ctim, other.file.st_ctim);
}

}  // namespace hangup::query
