// Options of a `hosted` server: paths that have workers of their own, and the backlog.
#include <netinet/tcp.h>

#include "tests/support/eventually.h"
#include "tests/wire/hosted_fixture.h"

namespace hangup::wire {
namespace {

class own_workers_of_a_hosted_server : public hosted_fixture {
 protected:
  own_workers_of_a_hosted_server() {
    server.Get("/wait", [this](const Request& req, Response&) {
      at.tell("/wait");
      wait_for_end(http::context_of(req), at);
    });
    const auto say_path = [](const Request& req, Response& res) {
      res.set_content(req.path, "text/plain");
    };
    server.Get("/health", say_path);
    server.Post("/health", say_path);
    server.Get(R"(/jobs/\d+)", say_path);
    server.Get("/other", [this](const Request&, Response&) { at.tell("/other"); });
  }
};

TEST_F(own_workers_of_a_hosted_server, answer_while_all_others_are_busy_and_clients_wait_for_them) {
  start({.workers = 1, .paths_with_own_workers = {"/health", "/jobs/{id}"}, .own_workers = 1});
  auto holds = connect();
  ASSERT_TRUE(holds.send(get("/wait")));
  ASSERT_TRUE(at.await("/wait"));
  auto waits = connect();
  ASSERT_TRUE(waits.send(get("/other")));
  EXPECT_EQ(ask(get("/health")).body, "/health");
  EXPECT_EQ(ask(get("/health?full=1")).body, "/health");
  EXPECT_EQ(ask(post("/health", "", "")).status, 200);
  EXPECT_EQ(ask(get("/jobs/17")).body, "/jobs/17");
  EXPECT_EQ(at.count("/other"), 0);
  holds.close();
  EXPECT_EQ(waits.receive().status, 200);
}

TEST_F(own_workers_of_a_hosted_server, are_not_for_paths_below_or_beside) {
  start({.workers = 1, .queue = 0, .paths_with_own_workers = {"/health"}});
  auto holds = connect();
  ASSERT_TRUE(holds.send(get("/wait")));
  ASSERT_TRUE(at.await("/wait"));
  EXPECT_EQ(ask(get("/health/more")).status, 503);
  EXPECT_EQ(ask(get("/other")).status, 503);
  EXPECT_EQ(ask(get("/health")).status, 200);
}

TEST_F(own_workers_of_a_hosted_server, need_paths_that_are_neither_all_nor_none_nor_twice_there) {
  for (const auto& paths : {std::vector<std::string>{"health"}, {"/"}, {"/health", "/health"}}) {
    const http::hosted_options how{.paths_with_own_workers = paths};
    try {
      server.set_hosted_options(how);
      ADD_FAILURE() << paths.back();
    } catch (const std::invalid_argument& e) {
      EXPECT_EQ(std::string(e.what()).find("hosted_options::paths_with_own_workers: "), 0U)
          << e.what();
    }
    EXPECT_THROW(http::hosted<httplib::Server>{how}, std::invalid_argument);
  }
}

TEST(a_hosted_server, lets_more_clients_wait_to_be_accepted_than_its_base) {
  struct shows_its_socket : http::hosted<httplib::Server> {
    using hosted::hosted;
    int listening() const { return this->svr_sock_; }
  };
  shows_its_socket server(http::hosted_options{.backlog = 77});
  ASSERT_GT(server.bind_to_any_port("127.0.0.1"), 0);
  std::thread listens([&] { server.listen_after_bind(); });
  while (!server.is_running()) {
    std::this_thread::yield();
  }
  // It runs before it has its queue, but it accepts afterwards.
  const auto backlog = [&] {
    tcp_info info{};
    socklen_t size = sizeof info;
    ::getsockopt(server.listening(), IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_sacked;  // of a listening socket: its backlog
  };
  EXPECT_TRUE(eventually([&] { return backlog() == 77; })) << backlog();
  server.stop();
  listens.join();
}

}  // namespace
}  // namespace hangup::wire
