#include "handlers/query/sqlite_files.h"

#include <sqlite3.h>

#include <cstddef>
#include <limits>
#include <mutex>

#include "http/net/regular_file.h"

namespace hangup::query {
namespace {

constexpr auto no_bound = std::numeric_limits<std::uint64_t>::max();
thread_local std::uint64_t bound = no_bound;
thread_local bool reached = false;

// Set by bounded_files(), before SQLite knows the VFS.
sqlite3_vfs* usual = nullptr;
const sqlite3_io_methods* real = nullptr;  // the default VFS's methods for temporary files
sqlite3_io_methods bounded{};              // the same, except for writing

int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  const auto end = static_cast<std::uint64_t>(at) + static_cast<std::uint64_t>(size);
  if (end > bound) {
    reached = true;
    return SQLITE_FULL;
  }
  return real->xWrite(f, from, size, at);
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* flags_out) {
  constexpr int temporary = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TEMP_JOURNAL |
                            SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_SUBJOURNAL;
  if (name != nullptr && http::is_not_regular_file(name)) {
    f->pMethods = nullptr;
    return SQLITE_CANTOPEN;
  }
  const int code = usual->xOpen(usual, name, f, flags, flags_out);
  if (code == SQLITE_OK && (flags & temporary) != 0 && f->pMethods == real) {
    f->pMethods = &bounded;
  }
  return code;
}

// The methods that the default VFS uses for temporary files, taken from such a file.
const sqlite3_io_methods* methods_of_temporary_files() {
  alignas(std::max_align_t) static unsigned char room[4096];
  if (usual == nullptr || usual->szOsFile > static_cast<int>(sizeof room)) {
    return nullptr;
  }
  auto* const f = reinterpret_cast<sqlite3_file*>(room);
  constexpr int as_sorts_do = SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_READWRITE |
                              SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE |
                              SQLITE_OPEN_DELETEONCLOSE;
  if (usual->xOpen(usual, nullptr, f, as_sorts_do, nullptr) != SQLITE_OK) {
    return nullptr;
  }
  const auto* const methods = f->pMethods;
  methods->xClose(f);
  return methods;
}

bool add_layer() {
  static sqlite3_vfs layer;
  usual = sqlite3_vfs_find(nullptr);
  real = methods_of_temporary_files();
  if (real == nullptr) {
    return false;
  }
  bounded = *real;
  bounded.iVersion = 1;  // without memory-mapped access, which would bypass xWrite
  bounded.xWrite = write;
  layer = *usual;
  layer.zName = "hangup";
  layer.pNext = nullptr;
  layer.xOpen = open;
  return sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
}

}  // namespace

const char* bounded_files() {
  static std::mutex mutex;
  static bool added = false;
  const std::lock_guard hold(mutex);
  added = added || add_layer();
  return added ? "hangup" : nullptr;
}

file_bound::file_bound(std::uint64_t bytes) noexcept {
  bound = bytes;
  reached = false;
}

file_bound::~file_bound() {
  bound = no_bound;
}

bool file_bound::was_reached() noexcept {
  return reached;
}

}  // namespace hangup::query
