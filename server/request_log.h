// The log: one line per ended request, late stoppers, and the program's own messages. A thread of
// its own writes the lines from a bounded queue (line_writer.h), so that no serving thread waits
// for a disk or a terminal. A line of a request is made in a buffer on the stack and written
// together with others, within 50 ms. The program's messages, and lines that are warnings, are
// written at once. A line that finds the queue full, or for which there is no memory, is dropped
// and counted. A client that leaves is logged as information, not as an error. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "hangup/http/observer.h"
#include "server/config.h"
#include "server/line_text.h"
#include "server/line_writer.h"

namespace hangup::server {

class request_log final : public http::observer {
 public:
  // Writes to this descriptor, which may be shared with other processes. Throws std::system_error
  // if the thread cannot be made.
  explicit request_log(const config::log_t& how, int fd = 2);

  // Leaves out requests to the routes with these paths, if they are completed with a status below
  // 400. `routes`: all of the server, in the order of their index. Must be called before the
  // server listens. Returns the paths that no route has.
  std::vector<std::string> skip(const std::vector<std::string>& paths,
                                const std::vector<const http::route*>& routes);

  void late(const http::late_request& l) noexcept override;
  void ended(const http::request_report& r) noexcept override;

  // Logs a message of the program itself. Parts that come from clients are escaped, as in all
  // lines.
  void say(spdlog::level::level_enum level, const std::string& line) noexcept;
  void lost() noexcept { lines_.lost(); }  // counts a line that could not be made

  // Does what the destructor does: writes the lines in the queue, and waits about a second at most
  // for the reader. Later lines are dropped.
  void end() noexcept { lines_.end(); }

  std::uint64_t dropped() const noexcept { return lines_.dropped(); }

 private:
  class sink;
  template <class Append>
  void put(spdlog::level::level_enum level, line_writer::when w, const Append& append) noexcept;
  bool is_skipped(const http::request_report& r) const noexcept;

  const bool json_;
  const bool colours_;
  std::vector<bool> skipped_;  // by the index of the route
  line_writer lines_;
  spdlog::logger out_;  // for the program's messages; its level is that of all lines
};

}  // namespace hangup::server
