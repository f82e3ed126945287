// The two servers of cpp-httplib that are ours: what is here is tested with both.
#pragma once

#include <gtest/gtest.h>

#include <type_traits>

#include "hangup/http/hosted.h"
#include "hangup/http/watched.h"
#include "tests/wire/httplib_server.h"

namespace hangup::wire {

using both_servers = testing::Types<http::watched<httplib::Server>, http::hosted<httplib::Server>>;

template <class Server>
inline constexpr bool is_hosted = std::is_same_v<Server, http::hosted<httplib::Server>>;

struct names_of_both {
  template <class Server>
  static std::string GetName(int) {
    return is_hosted<Server> ? "hosted" : "watched";
  }
};

template <class Server>
class of_both : public testing::Test {
 protected:
  using under_test = httplib_server<Server>;
};

// A server in this process that the test makes listen by itself.
template <class Server>
class listening {
 public:
  template <class Listen>
  listening(Server& server, Listen listen)
      : server_(server), thread_([this, listen] { returned = listen(server_); }) {
    test::eventually([this] { return server_.is_running(); });
  }
  ~listening() { stop(); }
  listening(const listening&) = delete;
  listening& operator=(const listening&) = delete;
  void stop() {
    if (thread_.joinable()) {
      server_.stop();
      thread_.join();
    }
  }
  // Waits until it returns by itself.
  void join() { thread_.join(); }

  bool returned = false;  // what listen() has returned

 private:
  Server& server_;
  std::thread thread_;
};

}  // namespace hangup::wire
