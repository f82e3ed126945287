// A search through the files below a configured root that stops as soon as its context ends.
//
//   std::string reason;
//   search::prepared job;
//   if (const auto refused = search::prepare(files, {.pattern = "err"}, job, reason)) {
//     return refused;  // 400, 403 or 404, with the reason
//   }
//   search::summary sum;
//   return search::scan(ctx, std::move(job), out, sum);  // streams
//
// Two steps, so that everything a client can get wrong is known before the first byte of the
// answer. Texts and paths are the bytes of the files and may be invalid UTF-8: whoever writes JSON
// replaces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "context/context.h"
#include "handlers/search_error.h"
#include "handlers/search_root.h"

namespace hangup::search {

struct query {
  std::string pattern{};          // up to 1,000 bytes without a newline; see line_matcher.h
  bool regex = false;             // RE2 syntax; otherwise the bytes themselves
  std::string path = ".";         // a directory or one file, relative to the root
  std::uint64_t max_matches = 0;  // lines; 0: all
};

struct match {
  std::string_view path{};   // relative to the root: "logs/a.txt"
  std::uint64_t line = 0;    // from 1
  std::uint64_t column = 0;  // of the first match in the line, in bytes from 1
  std::string_view text{};   // of the line without CR LF, at most 512 bytes: those around the match
  bool truncated = false;    // the text is not the whole line
};

// What was not searched, and why. Nothing of it is an error of the search.
struct skip_counts {
  std::uint64_t symlink = 0;     // never followed (except in the path of the query)
  std::uint64_t special = 0;     // devices, FIFOs, sockets: never opened
  std::uint64_t binary = 0;      // a NUL byte in the first 32 KiB, or UTF-16
  std::uint64_t unreadable = 0;  // files and directories that could not be opened, or not read on
  std::uint64_t vanished = 0;    // removed or replaced while we were on the way
  std::uint64_t too_deep = 0;    // directories more than max_depth levels down, paths over max_path
  std::uint64_t mount = 0;       // where another file system is mounted, unless that is allowed
  std::uint64_t kept_out = 0;    // the server's own files, and those of the kernel
};

struct summary {
  std::uint64_t files = 0;  // searched to their end, or to the end of the search
  std::uint64_t bytes = 0;  // read from them
  std::uint64_t matches = 0;
  skip_counts skipped{};
  bool limit_reached = false;  // it ended because max_matches were found; there may be more
};

constexpr std::size_t max_depth = 256;  // directories, one open descriptor each
constexpr std::size_t max_path = 4095;  // bytes: what the kernel takes back as the path of a query

// Where matches go. Called on the thread of the scan. An error ends the scan and is what it
// returns.
class sink {
 public:
  virtual ~sink() = default;
  // The views are valid during the call.
  virtual std::error_code on_match(const match& found) = 0;
  // Called often, with and without matches: after each file, each 128 KiB of a large one, each
  // block of directory entries. The place to send what was collected, and to notice that nobody
  // listens.
  virtual std::error_code idle() { return {}; }
};

// A search that can start: compiled pattern, opened path, lock on the root. Move-only; a
// default-made or moved-from one is empty. Destroying it gives all of that back.
class prepared {
 public:
  prepared() noexcept;
  prepared(prepared&& other) noexcept;
  prepared& operator=(prepared&& other) noexcept;
  ~prepared();
  explicit operator bool() const noexcept { return state_ != nullptr; }

  struct state;

 private:
  friend std::error_code prepare(const root&, const query&, prepared&, std::string&);
  friend std::error_code scan(const context&, prepared, sink&, summary&);
  std::unique_ptr<state> state_;
};

// Compiles the pattern, opens the path and takes the shared lock (held until `job` is scanned or
// destroyed). On failure `job` is empty, nothing is held, and `reason` is one line for the user:
// RE2's own words for a bad pattern; it never names anything outside of the root. The error is an
// errc of this room, or an errno that is not the client's fault (EMFILE, ENOMEM ...). Never waits.
std::error_code prepare(const root& files, const query& what, prepared& job, std::string& reason);

// Runs it. Empty error: everything was searched, or the limit was reached. ctx.err() as soon as the
// context has ended, also when it ends in the sink; the sink's error if that came first; EMFILE,
// ENFILE or ENOMEM if the system has no descriptors left (files would be missing silently). Looks
// at the context between directory entries, reads (of 128 KiB at most) and pieces of a buffer (see
// line_matcher::piece). When it returns, all descriptors are closed and the lock is free. `sum` is
// set to zero first and kept up to date while it runs: the sink may read it. Order of files: as
// they lie in their directories. Memory does not depend on the number of files or the length of
// lines. `job` must not be empty.
std::error_code scan(const context& ctx, prepared job, sink& out, summary& sum);

}  // namespace hangup::search
