// The processing of one request whose handler is a task: what handler_run.h does, but without a
// thread while it waits for the handler, for the body, or for the client to read. It runs on the
// loop of the route, which owns the connection meanwhile. However fast the client is, the other
// tasks of the thread have their turn (context/turn.h). Not for users.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <system_error>

#include "context/turn.h"
#include "hangup/context/task.h"
#include "http/run/handler_run.h"
#include "http/run/piece_sink.h"
#include "http/run/piece_source.h"

namespace hangup::http {

class task_run final : private handler_run, private piece_sink, private piece_source {
 public:
  // As handler_run.
  task_run(connection& c, const options& how, watcher& hears,
           const std::atomic<bool>& draining) noexcept
      : handler_run(c, how, hears, draining, false) {}

  // Returns true if the whole answer has been sent. Rethrows what the handler throws when a part of
  // its answer has been sent. If it has deferred its answer, sets connection::later, and sends
  // nothing.
  task<bool> run();
  using handler_run::wrote;

 private:
  // piece_sink
  bool write(const context& ctx, std::string_view piece) override;
  task<>& rest() noexcept override { return rest_; }
  std::error_code result(const context& ctx) const noexcept override;

  // piece_source
  bool read(const context& ctx, std::string_view& piece) override;
  task<>& more() noexcept override { return more_; }
  std::error_code outcome(const context& ctx) const noexcept override;

  // Reads until there is something that the handler may have, or the body is over. If it cannot be
  // had, sets no_body_; if only this context ends, gives up.
  task<> read_some(const context& during, std::string_view* piece);
  task<bool> read_body();
  void leave_body();
  bool takes_pieces() const noexcept { return x_.to().body_in_pieces && c_.session.wants_body(); }
  task<bool> send(request& req, reply& res);
  task<bool> end_stream();
  void begin_stream();
  // Sends all of it, or sets failed_. A piece is given up when `only_during` ends; without it, a
  // client that has closed its own direction still gets it all.
  task<> send_all(std::string_view bytes, const context* only_during);

  request* req_ = nullptr;
  reply* res_ = nullptr;
  bool begun_ = false;                 // a stream: its head has been sent, or is in head_
  bool refused_ = false;               // a piece, before the head was sent
  bool failed_ = false;                // nothing more can be sent
  mutable bool told_to_stop_ = false;  // the handler, by the result of a write
  bool beyond_ = false;                // nothing more is to be sent
  bool no_body_ = false;               // the rest of it cannot be had
  std::string head_;
  tree::turn turn_;  // of reading the body and of sending the answer
  task<> rest_;      // of the last write, if the client had to read first
  task<> more_;      // of the last read, if the client had to send first
};

}  // namespace hangup::http
