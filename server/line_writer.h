// Writes log lines on a thread of its own, from a bounded queue (line_queue.h), so that no other
// thread waits for a reader, a terminal or a disk. Thread-safe.
//
// When a line is written:
//   at_once      immediately: the thread of the log is woken if it sleeps. So is every line if the
//                descriptor is a terminal.
//   with_others  immediately if no line was written in the last 50 ms; otherwise together with the
//                others when these 50 ms are over, or when half of the queue is taken.
// So under load a line costs no lock, no system call and no wake-up, and many lines are one write.
// The thread of the log sleeps without a time-out while there are no lines.
//
// If the queue is full, the new line is dropped; those that wait are kept. An eighth of the queue
// is for lines that are to be written at once, so that they do not get lost among the others. All
// lines that are not written are counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace hangup::server {

class line_writer {
 public:
  enum class when { with_others, at_once };

  // `places`: of 256 bytes each; a line takes as many as it needs. Throws std::system_error if the
  // thread cannot be made.
  line_writer(int fd, std::size_t places);
  ~line_writer() { end(); }
  line_writer(const line_writer&) = delete;
  line_writer& operator=(const line_writer&) = delete;

  // Adds a line, which must end with a line feed. Never blocks and allocates nothing. Lines are
  // written in the order of these calls.
  void add(std::string_view line, when w = when::with_others) noexcept;
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
