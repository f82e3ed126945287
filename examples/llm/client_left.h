// Whether the client has left, as far as cpp-httplib can tell when it is asked.
#pragma once

#include <httplib.h>

namespace llm {

// `sink`: where the answer is being streamed to, or null. Before 0.18.5 there is no way to ask
// until the answer has begun.
template <class Request>
bool client_left(const Request& req, const httplib::DataSink* sink) {
  if (sink != nullptr) {
    return !sink->is_writable();
  }
  if constexpr (requires { req.is_connection_closed(); }) {
    return req.is_connection_closed();
  } else {
    return false;
  }
}

}  // namespace llm
