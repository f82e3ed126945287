// Where reply::write() sends the pieces of a body, while a task answers a request. Not for users.
#pragma once

#include <string_view>
#include <system_error>

#include "hangup/context/context.h"
#include "hangup/context/task.h"

namespace hangup::http {

class piece_sink {
 public:
  // Sends what the client takes now. Returns false if it has to read first: then rest() is to be
  // awaited. The piece must exist until then.
  virtual bool write(const context& ctx, std::string_view piece) = 0;
  virtual task<>& rest() noexcept = 0;
  // What the last write has come to.
  virtual std::error_code result(const context& ctx) const noexcept = 0;

 protected:
  ~piece_sink() = default;
};

}  // namespace hangup::http
