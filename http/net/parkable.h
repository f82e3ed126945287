// A socket that can be parked in a front: it then belongs to no thread, and its next event finds
// one for it. Not for users.
#pragma once

#include <cstdint>

namespace hangup::http {

class event_loop;

class parkable {
 public:
  parkable(const parkable&) = delete;
  parkable& operator=(const parkable&) = delete;

  virtual int fd() const noexcept = 0;
  // Events of the descriptor, as in epoll(7), that came while it was parked or owned.
  virtual void happened(std::uint32_t events) noexcept = 0;
  // Whether everything has been read that had arrived at the last event.
  virtual bool drained() const noexcept = 0;

 protected:
  parkable() = default;
  ~parkable() = default;

 private:
  friend class event_loop;
  event_loop* loop_ = nullptr;         // set by its first owner
  std::uint32_t heard_events_ = 0;     // the events that the event loop listens for
  parkable* resumed_after_ = nullptr;  // the next to be resumed, guarded by the event loop
};

}  // namespace hangup::http
