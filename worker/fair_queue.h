// Jobs that wait for a worker, in one line for each owner. Whoever has fewest jobs running is
// served next, those who have as few take turns, and each owner's jobs keep their order: so one who
// posts a thousand of them waits behind itself.
//
// Owners are numbers, and share a fixed number of lines by their hash. Nothing is allocated, and
// nothing grows with how many owners there are; two of them on one line are treated as one.
//
// Taking a job looks at the lines that wait until it finds one that has nothing running, at most at
// all of them; everything else takes constant time. Not thread-safe: the pool's mutex guards it.
// Not for users.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace hangup {

class job;

class fair_queue {
 public:
  struct line {
    job* first = nullptr;
    job* last = nullptr;
    std::size_t waiting = 0;
    std::size_t running = 0;
    line* before = nullptr;  // of the lines in which somebody waits
    line* behind = nullptr;
  };

  line& of(std::uint64_t owner) noexcept;

  void push(job& j, line& to) noexcept;
  // It is not waited for any more.
  void remove(job& j) noexcept;
  // The next job, which counts as running from now on until over(). With `newest`, the last line of
  // those who have fewest running is served instead of the first, and its newest job. Something
  // must be waiting.
  job& take(bool newest) noexcept;
  void over(line& of) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t lines() const noexcept { return lines_; }  // in which somebody waits
  // The same, of owners who have nothing running.
  std::size_t without_any() const noexcept { return without_any_; }

 private:
  static constexpr unsigned bits = 8;

  void append(line& l) noexcept;
  void unlink(line& l) noexcept;

  std::array<line, 1U << bits> all_{};
  line* front_ = nullptr;
  line* back_ = nullptr;
  std::size_t size_ = 0;
  std::size_t lines_ = 0;
  std::size_t without_any_ = 0;
};

}  // namespace hangup
