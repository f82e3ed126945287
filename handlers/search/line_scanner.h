// Reads one file in pieces of limited size and reports the lines that match. It uses one buffer,
// however long the file and its lines are.
//
// The matched text is the reported text: a CR before the LF or at the end of the file is not part
// of the line, and a byte order mark is not part of the first line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>

#include "handlers/search/line_matcher.h"
#include "hangup/context/context.h"

namespace hangup::search {

struct found_line {
  std::uint64_t number = 0;  // the line number, from 1
  std::uint64_t column = 0;  // the position of its first match, in bytes from 1
  std::string_view text{};   // without CR and LF; of a long line, the part around the match
  bool truncated = false;    // the text is only a part of the line
};

// Called by a scanner, on the thread of the scan. If it returns an error, the scan ends and returns
// it.
class line_listener {
 public:
  virtual std::error_code on_line(const found_line& line) = 0;
  // `count` more bytes have been read and searched.
  virtual std::error_code on_bytes(std::size_t count) = 0;

 protected:
  ~line_listener() = default;
};

// Why the scan of one file ended before the end of the file, if it did.
struct file_end {
  std::error_code stopped{};  // the end of the context, or the listener's error
  std::error_code broken{};   // read(2) failed
  bool binary = false;        // a NUL in the first block, or UTF-16: the file was not searched
};

// Scans many files, one after the other. Not thread-safe.
class line_scanner {
 public:
  static constexpr std::size_t max_text = 512;  // the most bytes of a line that are reported
  static constexpr std::size_t default_buffer = 128U * 1024;  // bytes; fits into the L2 cache
  static constexpr std::size_t first_block = 32U * 1024;      // bytes that are checked for a NUL

  // The matcher must outlive the scanner. This allocates the buffer; later calls allocate nothing.
  // A smaller buffer is for tests; it must be several times as large as a literal pattern.
  explicit line_scanner(const line_matcher& matcher, std::size_t buffer = default_buffer);

  // Searches the file from the current position of the descriptor. `size` is the size according to
  // fstat(2): it saves the read that finds the end, and is not relied on otherwise. The context is
  // checked between reads, pieces (see line_matcher::piece), windows and reported lines. Each line
  // is reported once, in order.
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
