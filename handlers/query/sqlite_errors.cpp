#include "handlers/query/sqlite_errors.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>

namespace hangup::query {
namespace {

constexpr const char* needs_folder =
    "the file is in WAL mode, for which SQLite needs the files -wal and -shm beside it: let this "
    "process write in the folder, or give it an -shm file that it can read";
constexpr const char* no_memory = "out of memory";

// https://sqlite.org/rescode.html. Extended codes come before their primary one.
constexpr std::array lines = {
    sqlite_meaning{.code = SQLITE_ERROR, .ec = errc::failed, .by_value = true},
    sqlite_meaning{.code = SQLITE_TOOBIG, .ec = errc::failed, .by_value = true},
    sqlite_meaning{.code = SQLITE_MISMATCH, .ec = errc::failed, .by_value = true},
    sqlite_meaning{.code = SQLITE_CONSTRAINT, .ec = errc::failed, .by_value = true},
    sqlite_meaning{.code = SQLITE_AUTH, .ec = errc::failed},
    sqlite_meaning{.code = SQLITE_BUSY, .ec = errc::busy},
    sqlite_meaning{.code = SQLITE_LOCKED, .ec = errc::busy},
    sqlite_meaning{.code = SQLITE_PROTOCOL, .ec = errc::busy},  // a race for the locks of a WAL
    // The schema has changed several times meanwhile.
    sqlite_meaning{.code = SQLITE_SCHEMA, .ec = errc::busy},
    sqlite_meaning{.code = SQLITE_NOMEM, .ec = errc::busy, .fit = false, .words = no_memory},
    sqlite_meaning{.code = SQLITE_IOERR_NOMEM, .ec = errc::busy, .fit = false, .words = no_memory},
    sqlite_meaning{.code = SQLITE_FULL,
                   .ec = errc::busy,
                   .words = "no room on the disk of SQLite's temporary files"},
    sqlite_meaning{.code = SQLITE_IOERR_GETTEMPPATH,
                   .ec = errc::busy,
                   .words = "no folder for SQLite's temporary files can be written to"},
    sqlite_meaning{.code = SQLITE_IOERR, .ec = errc::unreachable, .fit = false},
    sqlite_meaning{.code = SQLITE_READONLY_ROLLBACK,
                   .ec = errc::unreachable,
                   .fit = false,
                   .words =
                       "a writer was interrupted and has left a -journal beside the file, which "
                       "somebody who may write to it has to roll back: open the file with "
                       "write permission once"},
    sqlite_meaning{
        .code = SQLITE_READONLY, .ec = errc::unreachable, .fit = false, .words = needs_folder},
    sqlite_meaning{.code = SQLITE_CANTOPEN_DIRTYWAL,
                   .ec = errc::unreachable,
                   .fit = false,
                   .words = needs_folder},
    sqlite_meaning{.code = SQLITE_CANTOPEN, .ec = errc::unreachable, .fit = false},
    sqlite_meaning{.code = SQLITE_PERM, .ec = errc::unreachable, .fit = false},
    sqlite_meaning{.code = SQLITE_NOLFS, .ec = errc::unreachable, .fit = false},
    sqlite_meaning{.code = SQLITE_CORRUPT, .ec = errc::unreachable, .fit = false},
    sqlite_meaning{.code = SQLITE_NOTADB, .ec = errc::unreachable, .fit = false},
    sqlite_meaning{.code = 0, .ec = errc::failed, .fit = false},  // any other code
};

}  // namespace

const sqlite_meaning& meaning_of(int code) noexcept {
  const auto line_of = [](int c) {
    return std::find_if(lines.begin(), lines.end() - 1,
                        [c](const sqlite_meaning& m) { return m.code == c; });
  };
  const auto* const exact = line_of(code);
  return exact != lines.end() - 1 ? *exact : *line_of(code & 0xff);
}

bool says_damaged(std::string_view why) noexcept {
  return why == ::sqlite3_errstr(SQLITE_NOTADB) || why == ::sqlite3_errstr(SQLITE_CORRUPT);
}

}  // namespace hangup::query
