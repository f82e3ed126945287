// Writes lines to standard error on a thread of its own, from a bounded queue, so that no other
// thread waits for a reader, a terminal or a disk. If the queue is full, the oldest line is
// dropped. All lines that are not written are counted. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace hangup::server {

class line_writer {
 public:
  // The queue holds `queue` lines, with 1 KiB per line on average. Throws std::system_error if the
  // thread cannot be made.
  line_writer(int fd, std::size_t queue);
  ~line_writer() { end(); }
  line_writer(const line_writer&) = delete;
  line_writer& operator=(const line_writer&) = delete;

  // Adds a line, which must end with a line feed. Never blocks and allocates nothing.
  void add(std::string line) noexcept;
  // Counts a line that could not be made for lack of memory.
  void lost() noexcept;
  // Writes the lines in the queue, but waits at most a second for a reader and not for a disk.
  // Lines that have not been written by then, and all later ones, are dropped. The second call does
  // nothing.
  void end() noexcept;

  std::uint64_t dropped() const noexcept;

 private:
  struct shared;
  // Shared with the thread, which may still be in a blocked write.
  const std::shared_ptr<shared> shared_;
};

}  // namespace hangup::server
