// A server of cpp-httplib whose connections and threads are hangup's. Change one type:
//
//   hangup::http::hosted<httplib::Server> server;  // was: httplib::Server server;
//   server.Get("/report", [](const httplib::Request& req, httplib::Response& res) {
//     const hangup::context& ctx = hangup::http::context_of(req);  // ends when the client leaves
//     make_report(ctx, res);
//   });
//   server.listen("127.0.0.1", 8080);
//
// cpp-httplib binds, accepts, routes, calls the handlers and makes the answers, with all that is
// set on the server. In between, each connection is hangup's. So a client that is idle, sends
// slowly, or waits for a worker holds no thread; one that has left while it waited is never served;
// and who leaves later ends the context of its request, which context_of() gives to all handlers
// (context_of.h). req.is_connection_closed() and sink.is_writable() answer by that context, also
// behind pipelined or stray bytes. Loggers are told status 499 for who has left.
//
// What is different from cpp-httplib's own server: A request is checked first, by stricter rules. A
// malformed one, or one of which the head is too large (431) or late (408), is answered by hangup,
// and no handler and no logger is called: observe() tells of it. hangup's own answers are problems
// (problem.h) or what hosted_options::make_error makes; they have the headers of
// set_default_headers(), and not those of handlers for post-routing. The handler gets the header
// lines as they were sent, but no trailers. More than 16 ranges are none. A handler whose
// answer has a status above 599, two lengths, or a Transfer-Encoding other than chunked has failed:
// the client gets a 500. So has what throws where the base catches nothing (handlers for errors,
// exceptions, post-routing and 100-continue), which would end the program there.
//
// A body of up to 64 KiB is there before a worker is used. A client is waited for by the read and
// write time-outs of the server, and regains that time at 1 KiB per second. When all workers are
// busy and the queue is full, the answer is 503 with Retry-After. A path may have workers of its
// own, for a probe of health: hosted_options. A handler that returns after its context has ended by
// the deadline or by the end of the server, and leaves an empty 200, has made no answer: its client
// gets a 504 or a 503, and loggers are told that.
//
// TCP_NODELAY and TCP keep-alive are set on each connection, whatever set_tcp_nodelay() says.
// `new_task_queue` cannot be set (it does not compile), as there is a pool: hosted_options. Nor is
// there a WebSocket(): such a request gets a 501. `watched` (watched.h) has both. A server with TLS
// cannot be the base: let a proxy end it.
//
// stop() may be called from any thread, handlers included, as that of the base. listen() then
// returns when the requests in flight are over. They have hosted_options::stop_grace for that; then
// their contexts end with cause_kind::shutdown. It waits for handlers that do not look at their
// context, as the base does.
//
// With a cpp-httplib before 0.20 that is only a header, define CPPHTTPLIB_USE_POLL: it uses
// select(2) otherwise, which knows 1024 descriptors only.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "hangup/http/context_of.h"
#include "hangup/http/detail/client_stream.h"
#include "hangup/http/detail/hosted_connections.h"
#include "hangup/http/detail/hosted_request.h"
#include "hangup/http/detail/httplib_hook.h"
#include "hangup/http/hosted_options.h"
#include "hangup/http/httplib.h"
#include "hangup/http/observer.h"

namespace hangup::http {

template <class Base = httplib::Server>
class hosted : public detail::hooked<Base>, private detail::hosted_server {
  using hooked = detail::hooked<Base>;

 public:
  // The arguments are those of the base.
  template <class... Args>
  requires std::constructible_from<hooked, Args...>
  explicit hosted(Args&&... args) : hosted(hosted_options{}, std::forward<Args>(args)...) {}
  template <class... Args>
  requires std::constructible_from<hooked, Args...>
  explicit hosted(const hosted_options& how, Args&&... args)
      : hooked(std::forward<Args>(args)...), how_(checked(how)) {
    Base::new_task_queue = [this] {
      ::listen(this->svr_sock_, how_.backlog);  // it listens already; this changes the number only
      return new queue(*this);
    };
  }

  // Before listen(), from one thread. Throws std::invalid_argument, as the constructor does, for
  // paths_with_own_workers.
  hosted& set_hosted_options(const hosted_options& how) {
    how_ = checked(how);
    return *this;
  }
  // Tells `o` of each request that ends, of limits, and of handlers that are late (observer.h); the
  // path of its route is "/", or that which has its own workers. Before listen(); `o` must outlive
  // the server.
  hosted& observe(observer& o) {
    observers_.push_back(&o);
    return *this;
  }

  // As the base's, and the answers that hangup makes itself have them too, but for those that
  // options::default_headers refuses (options.h). Before listen().
  hosted& set_default_headers(httplib::Headers headers) {
    own_headers_.assign(headers.begin(), headers.end());
    Base::set_default_headers(std::move(headers));
    return *this;
  }

  // As the base's. Requests that were never run are told too: with 499 who left while it waited,
  // with 503 and so on who got such an answer from hangup. These calls are made on the threads that
  // hear all connections, so they should be quick.
  httplib::Server& set_logger(httplib::Logger log) {
    log_ = log_departures(std::move(log));
    return Base::set_logger(log_);
  }

  // As the base's, and it may be called again while listen() has not returned yet, and by several
  // threads and signal handlers at once. Some versions of the base would abort the program.
  void stop() noexcept {
    if (!stops_.exchange(true)) {
      // Where the base has decommission(), its stop() takes that back, also if it does not listen.
      if (this->svr_sock_ != INVALID_SOCKET || !this->is_running()) {
        Base::stop();
      }
      stops_ = false;
    }
  }

  // In place of that of the base.
  struct has_its_own_pool {
    template <class F>
    has_its_own_pool& operator=(F&&) {
      static_assert(!std::is_same_v<F, F>,
                    "hosted has a pool of its own: see hosted_options::workers; or use watched");
      return *this;
    }
  };
  [[no_unique_address]] has_its_own_pool new_task_queue;

  template <class... Args>
  hosted& WebSocket(Args&&...) {
    static_assert(sizeof...(Args) == ~std::size_t{0},
                  "hosted serves no WebSockets: use watched<httplib::Server> (watched.h)");
    return *this;
  }

 private:
  static const hosted_options& checked(const hosted_options& how) {
    detail::check_own_paths(how.paths_with_own_workers);
    return how;
  }

  // It runs each job at once, on the thread that accepts: the job only hands the connection over.
  class queue final : public httplib::TaskQueue {
    using enqueued = decltype(std::declval<httplib::TaskQueue&>().enqueue(std::function<void()>()));

   public:
    explicit queue(hosted& of) : of_(of), connections_(of, of.settings(), of.observers_) {
      of_.connections_ = &connections_;
    }
    ~queue() override { of_.connections_ = nullptr; }

    enqueued enqueue(std::function<void()> job) override {
      job();
      return enqueued(true);  // of some versions: void
    }
    void shutdown() override { connections_.stop(); }

   private:
    hosted& of_;
    detail::hosted_connections connections_;
  };

  bool process_and_close_socket(socket_t socket) override {
    if (connections_ == nullptr) {  // somebody has set new_task_queue through the base
      ::shutdown(socket, SHUT_RDWR);
      ::close(socket);
      return false;
    }
    connections_->adopt(socket);
    return true;
  }

  detail::served_by_engine serve(detail::hosted_exchange& x) override {
    if (detail::serves_websockets<Base> && detail::wants_websocket(x.checked())) {
      x.refuse(501, "this server serves no WebSockets");
      return {};
    }
    const auto ends = x.ends();
    const auto progress = std::make_shared<detail::answer_progress>();
    progress->client = x.ctx();
    progress->stands_for_none = true;
    detail::hosted_client client(x, *progress);
    detail::client_stream<detail::hosted_client> strm(client, ends);
    const auto result =
        this->process(strm, {.ends = ends,
                             .is_last = x.is_last(),
                             .ctx = x.ctx(),
                             .answer = progress,
                             .begins = [&x](httplib::Request& req) { detail::give_head(req, x); }});
    // What stands behind a request that has stopped the server is not served, as in the base.
    return {result.answered, result.must_close || this->svr_sock_ == INVALID_SOCKET};
  }

  void never_served(const request& of, const context& ctx, int status) noexcept override {
    if (!log_) {
      return;
    }
    try {
      const auto answer = std::make_shared<detail::answer_progress>();
      answer->client = ctx;
      answer->begun = status != detail::status_of_who_left;  // what comes after it is no hang-up
      httplib::Request req;
      detail::fill_head(req, of);
      req.response_handler = detail::kept_context{ctx, answer};
      httplib::Response res;
      res.version = "HTTP/1.1";
      res.status = status;
      log_(req, res);
    } catch (...) {  // no memory, or the logger has thrown: what follows does not depend on it
    }
  }

  detail::hosted_settings settings() const {
    using namespace std::chrono;
    const auto time = [](auto sec, auto usec) {
      return duration_cast<milliseconds>(seconds(sec) + microseconds(usec));
    };
    detail::hosted_settings to;
    auto& how = to.how;
    how.front_threads = std::max(1U, how_.connection_threads);
    how.max_connections = how_.max_connections;
    how.max_connections_per_address = how_.max_connections_per_address;
    how.on_half_close = how_.on_half_close;
    how.idle_timeout = time(this->keep_alive_timeout_sec_, 0);
    how.head_timeout = how.body_timeout = time(this->read_timeout_sec_, this->read_timeout_usec_);
    how.write_timeout = time(this->write_timeout_sec_, this->write_timeout_usec_);
    how.head.bytes = std::size_t{64} * 1024;
    how.head.encoded_bodies = true;  // the base decodes them
    how.default_headers = own_headers_;
    how.make_error = how_.make_error;
    to.workers = std::max(1U, how_.workers);
    to.queue = how_.queue;
    to.own_paths = how_.paths_with_own_workers;
    to.own_workers = std::max(1U, how_.own_workers);
    to.deadline = how_.deadline;
    to.stop_grace = how_.stop_grace;
    to.keep_alive_max = this->keep_alive_max_count_;
    to.most_body = this->payload_max_length_;
    return to;
  }

  hosted_options how_;
  std::atomic<bool> stops_{false};
  std::vector<std::pair<std::string, std::string>> own_headers_;  // of hangup's own answers
  std::vector<observer*> observers_;
  httplib::Logger log_;  // what set_logger() has been given, through this class
  detail::hosted_connections* connections_ = nullptr;  // only for the thread that accepts
};

}  // namespace hangup::http
