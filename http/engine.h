// cpp-httplib, used for what it is good at: parsing a request, reading its body, writing its
// answer. Derived from httplib::Server only to reach the protected process_request(); its
// listening, its threads and its keep-alive loop are not used. The one difference between its
// versions that matters here is that function's signature (0.18 added the addresses): chosen by
// what compiles, not by #if. Not for users.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "http/connection.h"
#include "http/httplib.h"

namespace hangup::http {

// What the engine asks back while it works on a request, on the same thread.
class engine_calls {
 public:
  // The handler's turn; the body is in `req`.
  virtual void answer(httplib::Request& req, httplib::Response& res) = 0;
  // An answer with a status of 400 or more, before its head is written.
  virtual void error(httplib::Response& res) = 0;
  // The head of the answer is about to be written.
  virtual void answering(httplib::Response& res) = 0;

 protected:
  ~engine_calls() = default;
};

template <class Base = httplib::Server>
class engine_of final : private Base {
 public:
  engine_of() {
    this->svr_sock_ = 0;  // not INVALID_SOCKET, which would end every stream as a shutdown
    this->set_keep_alive_max_count(1);
    const auto answer = [](const httplib::Request& req, httplib::Response& res) {
      // cpp-httplib made the request, it is not const; handlers get it as const as they always do.
      calls_now()->answer(const_cast<httplib::Request&>(req), res);
    };
    this->set_pre_routing_handler([answer](const httplib::Request& req, httplib::Response& res) {
      if (takes_body(req.method)) {
        return Base::HandlerResponse::Unhandled;  // its routing reads the body, then comes to us
      }
      answer(req, res);
      return Base::HandlerResponse::Handled;
    });
    // Our routes are found before this. Here there is one path, so that std::regex, which recurses
    // for every character, is never run on a stranger's.
    this->Post(only_path, answer);
    this->Put(only_path, answer);
    this->Patch(only_path, answer);
    this->Delete(only_path, answer);
    this->set_error_handler(
        typename Base::HandlerWithResponse([](const httplib::Request&, httplib::Response& res) {
          calls_now()->error(res);
          return Base::HandlerResponse::Handled;
        }));
    this->set_post_routing_handler(
        [](const httplib::Request&, httplib::Response& res) { calls_now()->answering(res); });
  }

  // The path in the head that the engine is given: write_head() puts it there.
  static constexpr const char* only_path = "/";

  // Reads the request from the stream, has it answered and writes the answer. False if that failed.
  // What a handler's content provider throws comes out of here.
  bool process(httplib::Stream& stream, const peer& ends, bool close, engine_calls& calls) {
    struct scope {
      explicit scope(engine_calls& c) : before(std::exchange(calls_now(), &c)) {}
      ~scope() { calls_now() = before; }
      engine_calls* before;
    } const during(calls);
    bool closed = false;
    return process_with(*this, stream, ends, close, closed);
  }

 private:
  template <class Self>
  static bool process_with(Self& self, httplib::Stream& stream, const peer& ends, bool close,
                           bool& closed) {
    static const std::function<void(httplib::Request&)> no_setup;
    if constexpr (requires { self.process_request(stream, close, closed, no_setup); }) {
      return self.process_request(stream, close, closed, no_setup);
    } else {
      return self.process_request(stream, ends.remote_address, ends.remote_port, ends.local_address,
                                  ends.local_port, close, closed, no_setup);
    }
  }

  static engine_calls*& calls_now() noexcept {
    thread_local engine_calls* now = nullptr;
    return now;
  }

  static bool takes_body(const std::string& method) noexcept {
    return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
  }
};

using engine = engine_of<>;

}  // namespace hangup::http
