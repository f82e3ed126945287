// Why a search is refused before it starts, as std::error_code of category "search". A search that
// has started ends with the error of its context, of its sink or of the system (errno, generic
// category).
#pragma once

#include <system_error>

namespace hangup::search {

enum class errc {
  bad_pattern = 1,  // empty, too long, contains a newline, or not RE2 syntax  (HTTP: 400)
  bad_path,         // a path that no file can have: contains NUL, or too long (400)
  outside_root,     // absolute, or leaves the root by "..", a symlink or a mount (403)
  not_searchable,   // neither a regular file nor a directory                       (403)
  unreadable,       // the server may not read it                                   (403)
  kept_out,         // one of the server's own files, see own_files.h (403)
  not_found,        // nothing exists at this path (404)
  locked,           // a process holds the root exclusively: try again later (503)
};

const std::error_category& search_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), search_category()};
}

}  // namespace hangup::search

template <>
struct std::is_error_code_enum<hangup::search::errc> : std::true_type {};
