// Reads one file in bounded pieces and reports the lines that match. Memory is one buffer, whatever
// the length of the file and of its lines.
//
// What is matched is what is shown: a CR before the LF, or at the end of the file, is no part of a
// line, and a byte order mark no part of the first one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>

#include "context/context.h"
#include "handlers/line_matcher.h"

namespace hangup::search {

struct found_line {
  std::uint64_t number = 0;  // of the line, from 1
  std::uint64_t column = 0;  // of the first byte of its first match, in bytes from 1
  std::string_view text{};   // without CR and LF; of a long line, the part around the match
  bool truncated = false;    // the text is not the whole line
};

// Told by a scanner, on the thread of the scan. An error ends the scan and is what it returns.
class line_listener {
 public:
  virtual std::error_code on_line(const found_line& line) = 0;
  // So many bytes more were read, and have been searched.
  virtual std::error_code on_bytes(std::size_t count) = 0;

 protected:
  ~line_listener() = default;
};

// How the scan of one file ended, if not at the end of the file.
struct file_end {
  std::error_code stopped{};  // the end of the context, or the listener's error
  std::error_code broken{};   // read(2) failed
  bool binary = false;        // a NUL in the first block, or UTF-16: nothing of it was searched
};

// For many files, one after the other; not to be used by two threads.
class line_scanner {
 public:
  static constexpr std::size_t max_text = 512;                // bytes of a line that are reported
  static constexpr std::size_t default_buffer = 128U * 1024;  // bytes; stays in the L2 cache
  static constexpr std::size_t first_block = 32U * 1024;      // bytes that are looked at for a NUL

  // The matcher must live longer. The buffer is allocated here, nothing after it. A smaller buffer
  // is for tests: it must be some times as large as a literal.
  explicit line_scanner(const line_matcher& matcher, std::size_t buffer = default_buffer);

  // Searches the descriptor from where it stands. `size` is what fstat said: it saves the read that
  // finds the end, and is not believed otherwise. Looks at the context between reads, pieces (see
  // line_matcher::piece), windows and reported lines. Each line is reported once, in order.
  file_end scan(const context& ctx, int fd, std::size_t size, line_listener& out);

 private:
  struct pass;  // the scan of one file

  const line_matcher& matcher_;
  std::size_t capacity_;
  std::size_t window_;
  std::size_t overlap_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace hangup::search
