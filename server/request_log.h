// The log: one line per ended request, and the program's own messages, through spdlog. A thread of
// its own writes the lines from a bounded queue (line_writer.h), so that no serving thread waits
// for a disk or a terminal. If the queue is full, the oldest line is dropped and counted. A line
// for which there is no memory is counted too. A client that leaves is logged as information, not
// as an error. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <spdlog/logger.h>

#include "hangup/http/observer.h"
#include "server/config.h"
#include "server/line_writer.h"

namespace hangup::server {

class request_log final : public http::observer {
 public:
  // Writes to this descriptor, which may be shared with other processes. Throws std::system_error
  // if the thread cannot be made.
  explicit request_log(const config::log_t& how, int fd = 2);

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
  template <class Line>
  void put(spdlog::level::level_enum level, const Line& line) noexcept;

  const bool json_;
  line_writer lines_;
  spdlog::logger out_;
};

// Escapes text from clients for a terminal or a file: control characters (C1 too), line and
// paragraph separators, characters that change the direction of text, and bytes that are not UTF-8
// become \xNN. So a client cannot forge a line, move the cursor or change the visible order of the
// text.
std::string escaped(std::string_view text);

}  // namespace hangup::server
