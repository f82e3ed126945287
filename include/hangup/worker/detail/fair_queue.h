// The jobs that wait for a worker, in one line (a list) per owner. The next job is taken from the
// owner that has the fewest jobs running; owners that have equally few take turns. The jobs of one
// owner keep their order. So an owner that submits a thousand jobs delays only itself.
//
// Owners are numbers. They are mapped to a fixed number of lines by a hash, so that nothing is
// allocated and nothing grows with the number of owners. Two owners on the same line are treated as
// one.
//
// Taking a job looks at the waiting lines until it finds one whose owner has nothing running; in
// the worst case at all of them. Every other function takes constant time. Not thread-safe: the
// pool's mutex guards it. Not for users.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#pragma GCC visibility push(default)

namespace hangup {

class job;

class fair_queue {
 public:
  struct line {
    job* first = nullptr;
    job* last = nullptr;
    std::size_t waiting = 0;
    std::size_t running = 0;
    line* before = nullptr;  // of the lines that have waiting jobs
    line* behind = nullptr;
  };

  line& of(std::uint64_t owner) noexcept;

  void push(job& j, line& to) noexcept;
  // Removes a job that is waiting.
  void remove(job& j) noexcept;
  // Removes and returns the next job, which counts as running until over() is called. With
  // `newest`, the owner is chosen from the other end of the list, and its newest job is taken. At
  // least one job must be waiting.
  job& take(bool newest) noexcept;
  void over(line& of) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t lines() const noexcept { return lines_; }  // the lines that have waiting jobs
  // The number of those lines whose owners have nothing running.
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

#pragma GCC visibility pop
