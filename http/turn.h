// One request's turn on a thread: what the engine asks back while it works on it. Calls the
// handler, and makes of what comes back (an answer, an exception, nothing because the context has
// ended) what the client is told. Not for users.
#pragma once

#include <atomic>

#include "http/connection.h"
#include "http/engine.h"
#include "http/stream.h"

namespace hangup::http {

class turn final : public engine_calls {
 public:
  // `draining`: the answer closes its connection. The connection has a request in flight.
  turn(connection& c, const options& how, watcher& ears, const std::atomic<bool>& draining,
       bool on_the_spot)
      : stream(c, how, ears, on_the_spot), c_(c), x_(*c.request), draining_(draining) {}

  void answer(httplib::Request& req, httplib::Response& res) override;
  void error(httplib::Response& res) override;
  void answering(httplib::Response& res) override;

  request_stream stream;

 private:
  void fail(httplib::Response& res, const char* what);
  void answer_for_ended(httplib::Response& res);

  connection& c_;
  exchange& x_;
  const std::atomic<bool>& draining_;
  bool answered_ = false;  // the handler has been called
};

}  // namespace hangup::http
