// A queue of log lines, from many threads to one, in memory that is allocated once. It is bounded
// in lines and in bytes: it has places of 256 bytes each, and a line takes as many as it needs. A
// line that finds too few free is refused; those that wait stay. Lines come out in the order in
// which add() took their places, which keeps the order of each thread, and of threads of which one
// continues what another did.
//
// add() may be called by any number of threads at once. It takes no lock, makes no system call and
// allocates nothing. It repeats itself only if another thread has taken places at the same moment.
// take() is for one thread.
//
// Memory order. A thread takes its places by one compare-and-swap of `tail_`, copies the line, and
// then stores its length with release. take() loads the length with acquire: 0 means that the line
// is not there yet, otherwise the whole of it is seen. When take() has copied a line, it sets the
// length to 0 and then stores `head_` with release. add() loads `head_` with acquire before it
// takes a place: what it overwrites has been read. The swap of `tail_`, close() and now() are
// sequentially consistent, so that the reader can go to sleep (line_writer.cpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hangup::server {

class line_queue {
 public:
  static constexpr std::size_t bytes_of_a_place = 256;
  static constexpr std::size_t cache_line = 64;

  // `places`: at least 1. The memory is used as far as lines have been in it.
  explicit line_queue(std::size_t places);

  // Adds a line if no more than `most` places are taken then. Returns how many are taken; 0: the
  // line was refused, as every line is after close(). The line must not be empty.
  std::size_t add(std::string_view line, std::size_t most) noexcept;
  std::size_t places() const noexcept { return places_; }
  // From now on add() refuses every line. What is in the queue can still be taken.
  void close() noexcept { tail_.fetch_or(closed); }

  struct state {
    std::uint64_t end;  // the position behind the last line
    std::size_t taken;  // places, including those of lines that are being copied
    bool closed;
  };
  state now() const noexcept;

  // Moves lines before the position `end` to `to`, which must be empty: whole ones, with `most`
  // bytes in all, or one that is longer. If there is no memory for it, the line is lost and counted
  // in `lost`. Returns whether there is nothing more to take before `end`. If it is false and
  // nothing was taken, the next line is still being copied by its thread.
  bool take(std::string& to, std::size_t most, std::uint64_t end, std::uint64_t& lost) noexcept;

 private:
  static constexpr std::uint64_t closed = std::uint64_t{1} << 63U;

  void copy_in(std::uint64_t at, std::string_view line) noexcept;
  void copy_out(std::uint64_t at, std::size_t size, std::string& to) const noexcept;

  const std::size_t places_;
  const std::size_t mask_;  // the index of a position: there are a power of two of them
  std::vector<std::atomic<std::uint32_t>> lengths_;  // of a line, at its first place; 0: none yet
  const std::unique_ptr<char[]> text_;
  // Positions count places and never wrap.
  alignas(cache_line) std::atomic<std::uint64_t> tail_{0};  // the next free one, and `closed`
  alignas(cache_line) std::atomic<std::uint64_t> head_{0};  // the first one that is taken
};

}  // namespace hangup::server
