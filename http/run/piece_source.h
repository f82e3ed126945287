// Where request::read() gets the pieces of a body from, while a task answers the request. Not for
// users.
#pragma once

#include <string_view>
#include <system_error>

#include "hangup/context/context.h"
#include "hangup/context/task.h"

namespace hangup::http {

class piece_source {
 public:
  // Sets the next piece, if there is one already, or the body is over. Returns false if the client
  // has to send first: then more() is to be awaited, which sets the piece.
  virtual bool read(const context& ctx, std::string_view& piece) = 0;
  virtual task<>& more() noexcept = 0;
  // What the last read has come to.
  virtual std::error_code outcome(const context& ctx) const noexcept = 0;

 protected:
  ~piece_source() = default;
};

}  // namespace hangup::http
