#include "handlers/search/line_scanner.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hangup::search {
namespace {

constexpr std::size_t npos = line_matcher::npos;

// For short lines this is eight times as fast as a loop over memchr, because compilers vectorize
// it.
std::uint64_t count_newlines(const char* at, const char* end) {
  constexpr std::size_t lanes = 64;
  std::uint64_t count = 0;
  while (static_cast<std::size_t>(end - at) >= lanes) {
    std::array<unsigned char, lanes> sums{};
    for (int round = 0; round < 255 && static_cast<std::size_t>(end - at) >= lanes; ++round) {
      for (std::size_t i = 0; i < lanes; ++i) {
        sums[i] = static_cast<unsigned char>(sums[i] + (at[i] == '\n' ? 1 : 0));
      }
      at += lanes;
    }
    for (const unsigned char sum : sums) {
      count += sum;
    }
  }
  return count + static_cast<std::uint64_t>(std::count(at, end, '\n'));
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

}  // namespace

// Indices refer to the buffer. Between function calls this holds: [0, from_) has been searched, and
// is kept only for ^, \b and overlapping windows; [from_, end_) has not been searched yet.
struct line_scanner::pass {
  line_scanner& own;
  const context& ctx;
  line_listener& out;

  std::size_t end_ = 0;
  std::size_t from_ = 0;
  std::size_t counted_ = 0;       // newlines before this index are in line_
  std::uint64_t line_ = 1;        // number of the line at counted_
  std::uint64_t base_ = 0;        // offset in the file of the start of the buffer
  std::uint64_t line_start_ = 0;  // offset in the file of the line that contains from_
  bool reported_ = false;         // that line has been reported, so skip the rest of it

  [[nodiscard]] char* data() const { return own.buffer_.get(); }
  [[nodiscard]] std::string_view text() const { return {data(), end_}; }

  // The index of the next newline in [at, to), or `to`.
  [[nodiscard]] std::size_t newline(std::size_t at, std::size_t to) const {
    const void* const found = std::memchr(data() + at, '\n', to - at);
    return found == nullptr ? to
                            : static_cast<std::size_t>(static_cast<const char*>(found) - data());
  }
  // The index after the last newline in [at, to), or `at`.
  [[nodiscard]] std::size_t after_last_newline(std::size_t at, std::size_t to) const {
    const void* const found = memrchr(data() + at, '\n', to - at);
    return found == nullptr
               ? at
               : static_cast<std::size_t>(static_cast<const char*>(found) - data()) + 1;
  }

  void count_to(std::size_t index) {
    line_ += count_newlines(data() + counted_, data() + index);
    counted_ = index;
  }

  // Drops everything before this index, to make room at the end.
  void drop(std::size_t keep) {
    if (keep == 0) {
      return;
    }
    if (counted_ < keep) {
      count_to(keep);
    }
    std::memmove(data(), data() + keep, end_ - keep);
    end_ -= keep;
    from_ = from_ > keep ? from_ - keep : 0;
    counted_ -= keep;
    base_ += keep;
  }

  // Reports the line around a match. `stop` is the end of the line, as far as it is known.
  std::error_code report(std::size_t match, std::size_t stop, bool whole) {
    const std::size_t begin = after_last_newline(0, match);
    count_to(begin);
    found_line found;
    found.number = line_;
    found.column = base_ + match + 1 - (begin == 0 ? line_start_ : base_ + begin);
    const bool headless = begin == 0 && line_start_ < base_;
    constexpr std::size_t before = max_text / 4;
    std::size_t first = begin;
    std::size_t last = stop;
    if (stop - begin > max_text) {
      // Show the match, not the beginning of a line of 64 MiB.
      first = match - begin > max_text - before ? std::min(match - before, stop - max_text) : begin;
      last = first + max_text;
      while (first > begin && first < match && continues_character(data()[first])) {
        ++first;
      }
      while (last < stop && last > match && continues_character(data()[last])) {
        --last;
      }
    }
    found.text = {data() + first, std::max(first, last) - first};
    found.truncated = headless || !whole || first != begin || last != stop;
    return out.on_line(found);
  }

  // The first match in [at, to), which is part of one line; npos if there is none or the context
  // ends.
  std::size_t find_in_windows(std::size_t at, std::size_t to) {
    while (!ctx.done()) {
      const std::size_t stop = to - at > own.window_ ? at + own.window_ : to;
      const std::size_t match = own.matcher_.find(text(), at, stop);
      if (match != npos || stop == to) {
        return match;
      }
      at = stop - own.overlap_;
    }
    return npos;
  }

  // Searches whole lines: [from_, to) ends after a newline or at the end of the file.
  std::error_code search_lines(std::size_t to) {
    while (from_ < to) {
      if (ctx.done()) {
        return ctx.err();
      }
      const std::size_t piece = own.matcher_.piece();
      std::size_t stop = to;
      if (to - from_ > piece) {
        stop = after_last_newline(from_, from_ + piece);
        if (stop == from_) {
          stop = std::min(newline(from_ + piece, to) + 1, to);
        }
      }
      if (const auto error = search_piece(stop)) {
        return error;
      }
      from_ = stop;
    }
    return {};
  }

  std::error_code search_piece(std::size_t stop) {
    const std::size_t last = data()[stop - 1] == '\n' ? stop - 1 : stop;
    const bool one_long_line = last - from_ > own.matcher_.piece();
    while (from_ < stop) {
      const std::size_t match =
          one_long_line ? find_in_windows(from_, last) : own.matcher_.find(text(), from_, last);
      if (match == npos) {
        break;
      }
      const std::size_t line_end = newline(match, last);
      if (const auto error = report(match, line_end, true)) {
        return error;
      }
      from_ = line_end + 1;
      if (ctx.done()) {
        break;
      }
    }
    return ctx.err();
  }

  // Searches a part of a line that is too long for the buffer. What follows its last byte is not
  // known yet, so that byte is searched next time.
  std::error_code search_unfinished_line() {
    const std::size_t to = end_ - 1;
    const std::size_t match = find_in_windows(from_, to);
    if (match != npos) {
      reported_ = true;
      const auto error = report(match, to, false);
      from_ = end_;
      drop(end_);
      return error;
    }
    from_ = to - own.overlap_;
    drop(from_ - 1);  // keeps one byte, for ^ and \b
    return ctx.err();
  }

  std::error_code search(bool at_end) {
    if (reported_) {
      const std::size_t stop = newline(from_, end_);
      if (stop == end_) {
        from_ = end_;
        drop(end_);
        return {};
      }
      from_ = stop + 1;
      line_start_ = base_ + from_;
      reported_ = false;
    }
    const std::size_t whole = at_end ? end_ : after_last_newline(from_, end_);
    if (whole > from_) {
      if (const auto error = search_lines(whole)) {
        return error;
      }
      from_ = whole;
      line_start_ = base_ + from_;
    }
    if (!at_end && end_ - from_ > own.capacity_ / 2) {
      return search_unfinished_line();
    }
    if (!at_end && line_start_ == base_ + from_) {
      drop(from_);
    }
    return {};
  }

  // Adds the bytes that were read behind end_, without the CR of each CR LF. So the searched text
  // is the text that is shown, also for $ and \s. A CR at the very end is kept until the next read;
  // no search goes that far (see search_unfinished_line).
  void take(std::size_t count) {
    const bool cr_waits = end_ > from_ && data()[end_ - 1] == '\r';
    std::size_t at = cr_waits ? end_ - 1 : end_;  // where the remaining bytes are moved to
    std::size_t to = at;
    const std::size_t stop = end_ + count;
    while (at < stop) {
      const void* const found = std::memchr(data() + at, '\r', stop - at);
      if (found == nullptr) {
        break;
      }
      const auto cr = static_cast<std::size_t>(static_cast<const char*>(found) - data());
      const bool ends_line = cr + 1 < stop && data()[cr + 1] == '\n';
      to = moved(at, cr + (ends_line ? 0 : 1), to);
      at = cr + 1;
    }
    end_ = moved(at, stop, to);
  }

  // Moves [at, stop) down to `to`, and returns the index after it.
  [[nodiscard]] std::size_t moved(std::size_t at, std::size_t stop, std::size_t to) const {
    if (to != at) {
      std::memmove(data() + to, data() + at, stop - at);
    }
    return to + (stop - at);
  }

  // Skips the byte order mark.
  void skip_mark() {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (text().substr(0, mark.size()) == mark) {
      drop(mark.size());
      line_start_ = base_;
    }
  }

  // Whether the first block contains a NUL or begins with the byte order mark of UTF-16.
  [[nodiscard]] bool is_binary(std::size_t count) const {
    const std::string_view start = std::string_view(data(), count).substr(0, 2);
    return start == "\xFF\xFE" || start == "\xFE\xFF" ||
           std::memchr(data(), '\0', std::min(count, first_block)) != nullptr;
  }

  file_end run(int fd, std::size_t size) {
    file_end result;
    std::size_t total = 0;
    for (bool at_end = false; !at_end;) {
      if (ctx.done()) {
        result.stopped = ctx.err();
        return result;
      }
      const std::size_t room = own.capacity_ - end_;
      const ssize_t got = ::read(fd, data() + end_, room);
      if (got < 0) {
        if (errno == EINTR) {
          continue;
        }
        result.broken = {errno, std::generic_category()};
        return result;
      }
      const auto count = static_cast<std::size_t>(got);
      const bool first = total == 0;
      if (first && is_binary(count)) {
        result.binary = true;
        return result;
      }
      total += count;
      at_end = count == 0 || (count < room && total == size);
      take(count);
      if (first) {
        skip_mark();
      }
      if (at_end && end_ > from_ && data()[end_ - 1] == '\r') {
        --end_;
      }
      result.stopped = search(at_end);
      if (!result.stopped) {
        result.stopped = out.on_bytes(count);
      }
      if (result.stopped) {
        return result;
      }
    }
    return result;
  }
};

line_scanner::line_scanner(const line_matcher& matcher, std::size_t buffer)
    : matcher_(matcher),
      capacity_(buffer),
      window_(std::min(matcher.window(), buffer / 2)),
      overlap_(std::min(matcher.overlap(), window_ / 2)),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer)) {}

file_end line_scanner::scan(const context& ctx, int fd, std::size_t size, line_listener& out) {
  constexpr std::size_t worth_telling = 1U << 20U;
  if (size >= worth_telling) {
    // Doubles the read-ahead for a file that is not cached.
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return pass{*this, ctx, out}.run(fd, size);
}

}  // namespace hangup::search
