// The log: one line per request that has ended, and what the program itself has to say, through
// spdlog. Lines are written by a thread of their own from a bounded queue; when that is full the
// oldest line is dropped and counted, and nobody who serves a request waits for a disk or a
// terminal. A client that leaves is information, not an error. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <spdlog/async.h>
#include <spdlog/logger.h>

#include "http/observer.h"
#include "server/config.h"

namespace hangup::server {

class request_log final : public http::observer {
 public:
  explicit request_log(const config::log_t& how);
  ~request_log();  // writes out what is queued

  void late(const http::late_request& l) noexcept override;
  void ended(const http::request_report& r) noexcept override;

  // The program's own lines: with what strangers have written in them escaped, as everywhere here.
  void say(spdlog::level::level_enum level, const std::string& line);

  std::uint64_t dropped() const { return pool_->overrun_counter(); }

 private:
  const bool json_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> out_;
};

// What strangers write, for a terminal or a file: controls (C1 too), separators of lines,
// characters that turn the direction of text and bytes that are not UTF-8 become \xNN, so that
// nobody can write a line of their own, move a cursor or show another order than there is.
std::string escaped(std::string_view text);

}  // namespace hangup::server
