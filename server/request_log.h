// The log: one line per request that has ended, and what the program itself has to say, through
// spdlog. Lines are written by a thread of their own from a bounded queue (line_writer.h); when
// that is full the oldest line is dropped and counted, and nobody who serves a request waits for a
// disk or a terminal. A line for which there is no memory is counted too, and nothing else is lost.
// A client that leaves is information, not an error. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <spdlog/logger.h>

#include "http/observer.h"
#include "server/config.h"
#include "server/line_writer.h"

namespace hangup::server {

class request_log final : public http::observer {
 public:
  // Writes to the descriptor, which others may share. std::system_error if there can be no thread.
  explicit request_log(const config::log_t& how, int fd = 2);

  void late(const http::late_request& l) noexcept override;
  void ended(const http::request_report& r) noexcept override;

  // The program's own lines: with what strangers have written in them escaped, as everywhere here.
  void say(spdlog::level::level_enum level, const std::string& line) noexcept;
  void lost() noexcept { lines_.lost(); }  // counts one that could not even be made

  // As the destructor: writes out what is queued, and waits no longer than about a second for
  // whoever reads. What is said later is dropped.
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

// What strangers write, for a terminal or a file: controls (C1 too), separators of lines,
// characters that turn the direction of text and bytes that are not UTF-8 become \xNN, so that
// nobody can write a line of their own, move a cursor or show another order than there is.
std::string escaped(std::string_view text);

}  // namespace hangup::server
