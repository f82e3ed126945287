// What the server tells about its requests. It logs and counts nothing itself: a program's log and
// its metrics are observers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "http/limit.h"

namespace hangup::http {

// A time as logs and pages show it.
inline double ms(clock::duration d) noexcept {
  return std::chrono::duration<double, std::milli>(d).count();
}

// A request that is over. The strings are as the client sent them (escape before printing) and live
// until the call returns.
struct request_report {
  std::string_view id;
  std::string_view method;
  std::string_view target;
  std::string_view client;  // "127.0.0.1:50312"
  const route& to;
  request_end end;
  std::string cause{};  // in words; empty if the context had not ended
  int status = 0;       // what was sent, 0: nothing; 499 (never sent) if the client left first
  clock::time_point started{};
  std::optional<clock::time_point> work_began{};     // none: it was never started
  std::optional<clock::time_point> context_ended{};  // none: it was answered first
  std::optional<clock::time_point> work_stopped{};   // where the work saw the end, if it ran
  std::optional<clock::time_point> work_ended{};     // the handler had returned
  clock::time_point ended{};
  std::string_view broken{};  // what the handler threw; for the log only
  const trace* journey = nullptr;
};

// Work that has not stopped although the context of its request ended `since` ago.
struct late_request {
  std::string_view id;
  std::string_view method;
  std::string_view target;
  std::string_view client;
  const route& to;
  std::string cause;
  clock::duration since;
  bool over;  // false: it goes on; true: it has stopped at last
  const trace* journey = nullptr;
};

// Called on the threads that serve, many at once: must be thread-safe, quick and must not throw.
class observer {
 public:
  // A bound has been run into. Read ahead: at most once for each request.
  virtual void reached(limit) noexcept {}
  virtual void began(const route&) noexcept {}
  // Once after options::late_after, on the timer thread, and once when it is over.
  virtual void late(const late_request&) noexcept {}
  virtual void ended(const request_report&) noexcept {}

 protected:
  ~observer() = default;
};

// A request in flight, for an operator's page.
struct request_view {
  std::string id;
  std::string method;
  std::string target;            // no more than its first 256 bytes
  std::size_t target_bytes = 0;  // of all of it
  std::string client;
  const route* to;
  request_state state;
  bool late;  // a late stopper: see observer::late
  std::string cause;
  clock::time_point started;
  std::optional<clock::time_point> context_ended;  // set: its context has ended, its work has not
};

// What a connection is doing, as an operator sees it.
enum class phase : std::uint8_t { shaking, idle, reading, queued, running, writing, lingering };
inline constexpr int phases = 7;
std::string_view name(phase p) noexcept;

}  // namespace hangup::http
