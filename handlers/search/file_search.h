// A search through the files below a configured directory. It stops as soon as its context ends.
//
//   std::string reason;
//   search::prepared job;
//   if (const auto refused = search::prepare(files, {.pattern = "err"}, job, reason)) {
//     return refused;  // 400, 403 or 404, with the reason
//   }
//   search::summary sum;
//   return search::scan(ctx, std::move(job), out, sum);  // streams
//
// There are two steps so that every mistake of the client is known before the first byte of the
// answer is sent. Texts and paths are the bytes of the files and may be invalid UTF-8; the code
// that writes them as JSON must replace such bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "handlers/search/search_error.h"
#include "handlers/search/search_root.h"
#include "hangup/context/context.h"

namespace hangup::search {

struct query {
  std::string pattern{};          // at most 1,000 bytes without a newline; see line_matcher.h
  bool regex = false;             // RE2 syntax; otherwise the pattern is the bytes to find
  std::string path = ".";         // a directory or one file, relative to the root
  std::uint64_t max_matches = 0;  // the most matching lines; 0: no limit
};

struct match {
  std::string_view path{};   // relative to the root: "logs/a.txt"
  std::uint64_t line = 0;    // from 1
  std::uint64_t column = 0;  // of the first match in the line, in bytes from 1
  std::string_view text{};   // the line without CR LF; of a long line, 512 bytes around the match
  bool truncated = false;    // the text is only a part of the line
};

// What was not searched, by reason. None of it is an error of the search.
struct skip_counts {
  std::uint64_t symlink = 0;  // not followed (except in the path of the request)
  std::uint64_t special = 0;  // devices, FIFOs, sockets: not opened
  std::uint64_t binary = 0;   // a NUL byte in the first 32 KiB, or UTF-16
  // Files and directories that could not be opened or read to their end.
  std::uint64_t unreadable = 0;
  std::uint64_t vanished = 0;  // removed or replaced during the search
  std::uint64_t too_deep = 0;  // directories deeper than max_depth, paths longer than max_path
  std::uint64_t mount = 0;     // mount points of other file systems, unless they are allowed
  std::uint64_t kept_out = 0;  // the server's own files and those of the kernel
};

struct summary {
  std::uint64_t files = 0;  // searched to their end, or to the end of the search
  std::uint64_t bytes = 0;  // read from them
  std::uint64_t matches = 0;
  skip_counts skipped{};
  bool limit_reached = false;  // it ended because max_matches were found; there may be more
};

constexpr std::size_t max_depth = 256;  // directories, each with one open descriptor
// Bytes: the longest path that the kernel accepts in a request.
constexpr std::size_t max_path = 4095;

// Receives the matches, on the thread of the scan. If it returns an error, the scan ends and
// returns it.
class sink {
 public:
  virtual ~sink() = default;
  // The views are valid during the call.
  virtual std::error_code on_match(const match& found) = 0;
  // Called often, with or without matches: after each file, each 128 KiB of a large file, and each
  // block of directory entries. Here the sink can send what it has collected, and notice that the
  // client has left.
  virtual std::error_code idle() { return {}; }
};

// A search that is ready to run: a compiled pattern, an opened path and a lock on the root.
// Move-only; empty if default-constructed or moved from. Destroying it releases all of them.
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

// Compiles the pattern, opens the path and takes the shared lock, which is held until `job` has
// been scanned or destroyed. Never waits. On error `job` is empty, nothing is held, and `reason` is
// one line for the client: RE2's own message for an invalid pattern, and never the name of anything
// outside of the root. The error is a search::errc, or an errno that is not the client's fault
// (EMFILE, ENOMEM ...).
std::error_code prepare(const root& files, const query& what, prepared& job, std::string& reason);

// Runs the search. Returns an empty error when everything was searched or the limit was reached.
// Returns ctx.err() as soon as the context has ended, also if that happens in the sink; the sink's
// error, if that came first; EMFILE, ENFILE or ENOMEM if the system has run out of descriptors or
// memory, because files would be left out otherwise.
//
// The context is checked between directory entries, between reads (of at most 128 KiB) and between
// pieces of a buffer (see line_matcher::piece). When it returns, all descriptors are closed and the
// lock is released. `sum` is first set to zero and kept up to date during the search, so that the
// sink may read it. Files come in the order of their directory entries. Memory use does not depend
// on the number of files or the length of lines. `job` must not be empty.
std::error_code scan(const context& ctx, prepared job, sink& out, summary& sum);

}  // namespace hangup::search
