// hangup's own server with handlers of cpp-httplib, as far as it has what they need: routes with
// whole paths. It looks like httplib_server to tests that are for both.
#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include "hangup/http/httplib_handler.h"
#include "hangup/http/observer.h"
#include "hangup/http/server.h"
#include "hangup/worker/pool.h"
#include "tests/wire/backends/features.h"
#include "tests/wire/httplib_server.h"

namespace hangup::wire {

class native_server {
 public:
  // What features.h adds routes to. What the native server does not have is left out.
  class routes {
   public:
    routes(http::server& to, pool& on) : to_(to), on_(on) {}
    template <class Handler>
    void Get(const std::string& path, Handler h) {
      add("GET", path, h);
    }
    template <class Handler>
    void Post(const std::string& path, Handler h) {
      add("POST", path, h);
    }
    template <class Handler>
    void Put(const std::string& path, Handler h) {
      add("PUT", path, h);
    }
    template <class Handler>
    void Patch(const std::string& path, Handler h) {
      add("PATCH", path, h);
    }
    template <class Handler>
    void Delete(const std::string& path, Handler h) {
      add("DELETE", path, h);
    }
    template <class Handler>
    void Options(const std::string&, Handler) {}

   private:
    template <class Handler>
    void add(const char* method, const std::string& path, Handler h) {
      constexpr bool is_plain =
          std::is_invocable_v<Handler&, const httplib::Request&, httplib::Response&>;
      if constexpr (is_plain) {
        if (path.find_first_of("(:") == std::string::npos) {
          const auto answer = [h](const context&, const httplib::Request& req,
                                  httplib::Response& res) { h(req, res); };
          to_.handle({.method = method, .path = path, .runs_on = &on_, .answer = answer});
        }
      }
    }
    http::server& to_;
    pool& on_;
  };

  explicit native_server(unsigned workers = 8)
      : workers_({.name = "work", .workers = workers, .queue = 64}) {
    server_.observe(ended_);
    routes to(server_, workers_);
    add_usual_routes(to, at);
    add_bodies(to);
    add_answers(to, at);
    if (const auto ec = server_.start("127.0.0.1", 0)) {
      throw std::system_error(ec);
    }
  }

  test::client connect() const { return test::client(server_.port()); }
  void ask_to_stop() {
    static_cast<void>(server_.drain(background_that_is_over(), test::patience));
  }

  told at;
  told logged;

 private:
  class recorder final : public http::observer {
   public:
    explicit recorder(told& to) : to_(to) {}
    void ended(const http::request_report& r) noexcept override {
      to_.tell(std::string(r.target) + " " + std::to_string(r.status));
    }

   private:
    told& to_;
  };
  static context background_that_is_over() {
    auto over = with_cancel(background());
    over.cancel();
    return over.ctx;
  }

  recorder ended_{logged};
  pool workers_;
  http::server server_;
};

}  // namespace hangup::wire
