// What `watched` and `hosted` have in common: a cpp-httplib server whose engine is called for one
// request at a time, with a context for it, and whose loggers are told who has left. Not for users.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

#include "hangup/http/causes.h"
#include "hangup/http/context_of.h"
#include "hangup/http/detail/client_stream.h"
#include "hangup/http/httplib.h"

namespace hangup::http {
namespace detail {

#if defined(CPPHTTPLIB_OPENSSL_SUPPORT) || defined(CPPHTTPLIB_SSL_ENABLED)
template <class Server>
inline constexpr bool speaks_tls = std::is_base_of_v<httplib::SSLServer, Server>;
#else
template <class Server>
inline constexpr bool speaks_tls = false;
#endif

inline constexpr int status_of_who_left = 499;

// Whether the client has left, as opposed to other ends of the same context.
inline bool has_left(const context& client) noexcept {
  const auto* const why = client.cause();
  return why != nullptr &&
         (why->kind == causes::client_closed || why->kind == causes::client_reset ||
          why->kind == causes::client_vanished || why->kind == causes::write_timeout);
}

// Whether the client of this answer has left before it had all of it. Leaving afterwards is not a
// hang-up, and may be heard before the logger is called.
inline bool was_cut(const answer_progress& answer, const httplib::Request& req,
                    const httplib::Response& res) noexcept {
  if (!has_left(answer.client)) {
    return false;
  }
  // The provider of an answer to HEAD is not called.
  const bool incomplete =
      res.content_provider_ && !res.content_provider_success_ && req.method != "HEAD";
  return !answer.begun || answer.lost || incomplete;
}

// The status that is sent in place of an empty 200, which `hosted` takes for no answer once the
// context has ended; 0: what there is is sent.
inline int status_instead(const answer_progress& answer, const httplib::Request& req,
                          const httplib::Response& res) noexcept {
  const auto* const why = answer.client.cause();
  if (why == nullptr || !answer.stands_for_none || res.status != 200 || !res.body.empty() ||
      res.content_provider_ || req.method == "HEAD") {
    return 0;
  }
  if (why->kind == cause_kind::deadline) {
    return 504;
  }
  return why->kind == cause_kind::shutdown || why->kind == causes::operator_request ? 503 : 0;
}

// Tells a logger with status 499 of requests whose client has left. The response that it gets is
// not copied, as it may be large: the status is changed while the logger runs. The object is that
// of cpp-httplib's engine, which is not const.
class departure_logger {
 public:
  explicit departure_logger(httplib::Logger log) : log_(std::move(log)) {}

  void operator()(const httplib::Request& req, const httplib::Response& res) const {
    const auto* const kept = kept_by(req);
    if (kept == nullptr || kept->answer == nullptr) {
      log_(req, res);
      return;
    }
    // Newer versions call the logger before they send anything. What a provider sends then may be
    // long under way, so the logger is called when the response is given up: its last action is to
    // release the provider. Copies that a logger keeps of it will release theirs, and tell nobody.
    if (!kept->answer->begun && res.content_provider_ && req.method != "HEAD" &&
        !has_left(kept->answer->client)) {
      auto& mine = const_cast<httplib::Response&>(res);
      mine.content_provider_resource_releaser_ =
          [log = *this, &req, &res, release = std::move(mine.content_provider_resource_releaser_),
           answer = kept->answer, told = std::make_shared<std::atomic<bool>>(false)](bool success) {
            if (!told->exchange(true)) {
              log.tell(req, res, *answer);
            }
            if (release) {
              release(success);
            }
          };
      return;
    }
    tell(req, res, *kept->answer);
  }

 private:
  void tell(const httplib::Request& req, const httplib::Response& res,
            const answer_progress& answer) const {
    std::unique_lock hold(*one_at_a_time_, std::defer_lock);
    if constexpr (take_turns<httplib::Server>) {
      hold.lock();
    }
    const int sent = res.status;
    if (was_cut(answer, req, res)) {
      const_cast<httplib::Response&>(res).status = status_of_who_left;
    } else if (const int instead = status_instead(answer, req, res)) {
      const_cast<httplib::Response&>(res).status = instead;
    }
    log_(req, res);
    const_cast<httplib::Response&>(res).status = sent;
  }

  // Versions that call the logger before they send also call it from one thread at a time.
  template <class Server>
  static constexpr bool take_turns = requires(Server& s) {
    s.set_error_logger(nullptr);
  };

  httplib::Logger log_;
  std::shared_ptr<std::mutex> one_at_a_time_ = std::make_shared<std::mutex>();
};

// One call of the engine.
struct engine_call {
  const both_ends& ends;
  bool is_last = false;  // the answer says that the connection is closed
  context ctx;           // of this request
  std::shared_ptr<const answer_progress> answer;
  // Called with the request when its head has been read, if it was not refused. May be empty.
  std::function<void(httplib::Request&)> begins{};
};

// How it went.
struct engine_result {
  bool answered = false;      // else the connection is of no more use
  bool must_close = false;    // the client, or the engine, wants it to be closed
  bool is_websocket = false;  // it was one, which is over
};

}  // namespace detail

// A logger that tells `log` status 499 for requests whose client left before it had the whole
// answer. set_logger() of `watched` and `hosted` does this by itself; it is for who sets the logger
// through a reference to the base class:
//
//   httplib::Server& base = server;
//   base.set_logger(hangup::http::log_departures(log));
//
// For requests of other servers `log` is called as it is.
[[nodiscard]] inline httplib::Logger log_departures(httplib::Logger log) {
  return log ? httplib::Logger(detail::departure_logger(std::move(log))) : httplib::Logger();
}

namespace detail {

template <class Base>
class hooked : public Base {
  static_assert(std::is_base_of_v<httplib::Server, Base>,
                "the base must be httplib::Server or a class derived from it");
  static_assert(!speaks_tls<Base>,
                "httplib::SSLServer cannot be the base: let a proxy in front end TLS, or use "
                "hangup::http::server with use_tls(), which takes the same handlers");

 public:
  using Base::Base;

  // As the base's, and requests whose client has left are told with status 499.
  httplib::Server& set_logger(httplib::Logger log) {
    return Base::set_logger(log_departures(std::move(log)));
  }

 protected:
  // Reads one request from the stream, serves it with the context, and writes the answer.
  engine_result process(httplib::Stream& strm, const engine_call& call) {
    engine_result result;
    const std::function<void(httplib::Request&)> begins = [&call](httplib::Request& req) {
      req.response_handler = kept_context{call.ctx, call.answer};
      if (call.begins) {
        call.begins(req);
      }
    };
    const auto& at = call.ends;
    const int remote_port = std::max(at.remote_port, 0);  // as the engine's own
    const int local_port = std::max(at.local_port, 0);
    // The parameters differ between versions.
    if constexpr (requires {
                    this->process_request(strm, at.remote_address, remote_port, at.local_address,
                                          local_port, call.is_last, result.must_close, begins,
                                          &result.is_websocket);
                  }) {
      result.answered =
          this->process_request(strm, at.remote_address, remote_port, at.local_address, local_port,
                                call.is_last, result.must_close, begins, &result.is_websocket);
    } else if constexpr (requires {
                           this->process_request(strm, at.remote_address, remote_port,
                                                 at.local_address, local_port, call.is_last,
                                                 result.must_close, begins);
                         }) {
      result.answered =
          this->process_request(strm, at.remote_address, remote_port, at.local_address, local_port,
                                call.is_last, result.must_close, begins);
    } else {
      result.answered = this->process_request(strm, call.is_last, result.must_close, begins);
    }
    return result;
  }
};

}  // namespace detail
}  // namespace hangup::http
