// Lines for standard error, written by a thread of their own from a bounded queue: who has
// something to say never waits for a reader, a terminal or a disk. Where the queue is full the
// oldest line is dropped; it and whatever else is not written is counted. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace hangup::server {

class line_writer {
 public:
  // The queue has room for so many lines, and for a KiB of each on average. std::system_error if
  // there can be no thread.
  line_writer(int fd, std::size_t queue);
  ~line_writer() { end(); }
  line_writer(const line_writer&) = delete;
  line_writer& operator=(const line_writer&) = delete;

  // Takes a line, with its line feed. Never blocks; the first allocation of a line is its caller's.
  void add(std::string line) noexcept;
  // Counts a line that could not even be made.
  void lost() noexcept;
  // Writes out what is queued, but waits for no reader longer than a second, and for no disk: what
  // is not written by then is dropped, and so is what comes later. The second call does nothing.
  void end() noexcept;

  std::uint64_t dropped() const noexcept;

 private:
  struct shared;
  const std::shared_ptr<shared> shared_;  // with the thread, which may be left behind in a write
};

}  // namespace hangup::server
