// A server on Unix sockets: their files, who its clients are, and how they leave.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/listener.h"
#include "tests/support/nobody.h"
#include "tests/support/temporary_directory.h"
#include "tests/wire/heard.h"
#include "tests/wire/tls_fixture.h"

namespace hangup::wire {
namespace {

using http::half_close;
using http::listen_address;

// What the tests of this file have: a folder, and a server that listens there and on TCP.
class on_a_unix_socket : public testing::Test {
 protected:
  setup with(half_close policy = half_close::cancel) const {
    setup how;
    how.listen.push_back({.path = path});
    how.how.on_half_close = policy;
    how.more = {add_marker};
    return how;
  }
  client connect() const { return client(client::over_unix{path}); }

  const temporary_directory folder;
  const std::string path = folder / "s";
};

// A route that says who asks, by which socket.
void add_who(http::server& s) {
  s.handle({.method = "GET",
            .path = "/who",
            .answer = [](const context&, const httplib::Request& req, httplib::Response& res) {
              res.set_content(req.remote_addr + " " + std::to_string(req.remote_port) + " " +
                                  req.local_addr + " " + std::to_string(req.local_port),
                              "text/plain");
            }});
}

std::string who_asks(const std::string& local) {
  return "unix:uid=" + std::to_string(::geteuid()) + " " + std::to_string(::getpid()) +
         " unix:" + local + " 0";
}

mode_t mode_of(const std::string& path) {
  struct stat there {};
  EXPECT_EQ(::lstat(path.c_str(), &there), 0) << path;
  return there.st_mode & 07777U;
}

bool is_there(const std::string& path) {
  return std::filesystem::exists(std::filesystem::symlink_status(path));
}

// --- where it listens ---

TEST_F(on_a_unix_socket, a_client_is_its_user_and_process) {
  http::server server;
  add_who(server);
  ASSERT_EQ(server.start({{.path = path}}), std::error_code());
  EXPECT_EQ(server.endpoints(), std::vector{"unix:" + path});
  EXPECT_EQ(server.port(), 0) << "there is none";
  EXPECT_EQ(connect().ask(get("/who")).body, who_asks(path));
}

TEST_F(on_a_unix_socket, operators_see_the_client_as_user_and_process) {
  live_server server(with());
  client c = connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  ASSERT_EQ(server.server.in_flight().size(), 1U);
  EXPECT_EQ(server.server.in_flight().front().client,
            "unix:uid=" + std::to_string(::geteuid()) + ",pid=" + std::to_string(::getpid()));
}

TEST_F(on_a_unix_socket, and_on_tcp_and_on_another_one_all_are_served) {
  http::server server;
  add_who(server);
  const auto other = folder / "t";
  ASSERT_EQ(server.start({{.path = path}, {.host = "127.0.0.1"}, {.path = other}}),
            std::error_code());
  EXPECT_EQ(
      server.endpoints(),
      (std::vector{"unix:" + path, "127.0.0.1:" + std::to_string(server.port()), "unix:" + other}));
  EXPECT_EQ(connect().ask(get("/who")).body, who_asks(path));
  EXPECT_EQ(client(client::over_unix{other}).ask(get("/who")).body, who_asks(other));
  EXPECT_EQ(client(server.port()).ask(get("/who")).status, 200);
}

TEST_F(on_a_unix_socket, with_an_abstract_name_there_is_no_file) {
  http::server server;
  add_who(server);
  const auto name = "@" + path;
  ASSERT_EQ(server.start({{.path = name}}), std::error_code());
  EXPECT_EQ(server.endpoints(), std::vector{"unix:" + name});
  EXPECT_EQ(client(client::over_unix{name}).ask(get("/who")).body, who_asks(name));
  EXPECT_FALSE(is_there(path));
  http::server second;
  EXPECT_EQ(second.start({{.path = name}}), std::errc::address_in_use);
}

TEST_F(on_a_unix_socket,
       that_cannot_be_made_nothing_else_is_listened_on_and_it_may_be_tried_again) {
  const listener taken;
  http::server server;
  add_who(server);
  std::size_t failed = 7;
  EXPECT_EQ(server.start({{.path = path}, {.host = "127.0.0.1", .port = taken.port()}}, &failed),
            std::errc::address_in_use);
  EXPECT_EQ(failed, 1U);
  EXPECT_FALSE(is_there(path)) << "the file of the first is removed";
  EXPECT_EQ(server.start(std::vector<listen_address>{}), std::errc::invalid_argument);
  ASSERT_EQ(server.start({{.path = path}}), std::error_code());
  EXPECT_EQ(connect().ask(get("/who")).status, 200);
}

TEST_F(on_a_unix_socket, where_none_can_be_is_an_error) {
  http::server server;
  EXPECT_EQ(server.start({{.path = folder / "none/s"}}), std::errc::no_such_file_or_directory);
  EXPECT_EQ(server.start({{.path = folder / std::string(108, 'x')}}), std::errc::filename_too_long);
  const temporary_directory closed;
  std::filesystem::permissions(closed.path(), std::filesystem::perms::owner_read);
  const nobody special;
  EXPECT_EQ(server.start({{.path = closed / "s"}}), std::errc::permission_denied);
}

// --- its file ---

TEST_F(on_a_unix_socket, the_file_has_its_mode_whatever_the_umask_is) {
  for (const mode_t umask : {0U, 022U, 077U, 0777U}) {
    for (const unsigned mode : {0600U, 0660U, 0666U, 0777U}) {
      http::server server;
      const auto before = ::umask(umask);
      const auto ec = server.start({{.path = path, .mode = mode}});
      ::umask(before);
      ASSERT_FALSE(ec) << ec.message();
      EXPECT_EQ(mode_of(path), mode) << "umask " << umask;
    }
  }
  EXPECT_EQ(listen_address{}.mode, 0660U);
}

TEST_F(on_a_unix_socket, the_file_is_gone_when_new_clients_are_refused) {
  live_server server(with());
  client busy = connect();
  ASSERT_TRUE(busy.send(get("/stubborn")));
  ASSERT_TRUE(server.at.await("/stubborn"));
  std::thread drain([&] { EXPECT_FALSE(server.server.drain(background(), patience)); });
  EXPECT_TRUE(eventually([&] { return !is_there(path); }));
  EXPECT_FALSE(connect().connected());
  live_server next(with());  // takes its place
  EXPECT_EQ(connect().ask(get("/fast")).body, "fast\n");
  server.gate.open();
  EXPECT_EQ(busy.receive().body, "at last\n");
  drain.join();
  EXPECT_EQ(connect().ask(get("/fast")).body, "fast\n") << "the file of the next one is not its";
}

TEST_F(on_a_unix_socket, another_file_in_its_place_is_left_alone) {
  {
    http::server server;
    ASSERT_EQ(server.start({{.path = path}}), std::error_code());
    std::filesystem::remove(path);
    std::ofstream(path) << "mine";
  }
  EXPECT_TRUE(is_there(path));
}

TEST_F(on_a_unix_socket, a_stale_file_is_replaced) {
  { const unix_listener killed(path); }
  ASSERT_TRUE(is_there(path));
  live_server server(with());
  EXPECT_EQ(connect().ask(get("/fast")).body, "fast\n");
}

TEST_F(on_a_unix_socket, one_that_somebody_listens_on_is_in_use) {
  live_server first(with());
  http::server second;
  EXPECT_EQ(second.start({{.path = path}}), std::errc::address_in_use);
  EXPECT_EQ(connect().ask(get("/fast")).body, "fast\n");
}

TEST_F(on_a_unix_socket, one_whose_queue_is_full_is_in_use) {
  const unix_listener busy(path, 0);
  std::vector<client> waiting;
  waiting.emplace_back(client::over_unix{path});
  http::server server;
  EXPECT_EQ(server.start({{.path = path}}), std::errc::address_in_use);
}

TEST_F(on_a_unix_socket, what_is_no_socket_is_an_error_and_is_left_alone) {
  http::server server;
  const auto file = folder.write("file", "text");
  EXPECT_EQ(server.start({{.path = file}}), std::errc::not_a_socket);
  EXPECT_TRUE(is_there(file));
  std::filesystem::create_symlink(folder / "nowhere", folder / "link");
  EXPECT_EQ(server.start({{.path = folder / "link"}}), std::errc::not_a_socket);
  EXPECT_TRUE(is_there(folder / "link"));
  EXPECT_EQ(server.start({{.path = folder.path()}}), std::errc::not_a_socket);
}

TEST_F(on_a_unix_socket, of_many_servers_that_start_at_once_one_gets_it) {
  for (int round = 0; round < 20; ++round) {
    { const unix_listener killed(path); }
    std::vector<std::unique_ptr<http::server>> servers(8);
    std::vector<std::thread> starts;
    std::atomic<int> listening{0};
    for (auto& s : servers) {
      s = std::make_unique<http::server>();
      add_who(*s);
      starts.emplace_back([&] {
        const auto ec = s->start({{.path = path}});
        listening += ec ? 0 : 1;
        EXPECT_TRUE(!ec || ec == std::errc::address_in_use) << ec.message();
      });
    }
    for (auto& t : starts) {
      t.join();
    }
    ASSERT_EQ(listening, 1) << "round " << round;
    ASSERT_EQ(connect().ask(get("/who")).status, 200);
  }
}

// --- its clients ---

TEST_F(on_a_unix_socket, all_clients_of_a_user_count_as_one_address) {
  auto how = with();
  how.how.max_connections_per_address = 1;
  live_server server(how);
  client first = connect();
  EXPECT_EQ(first.ask(get("/fast")).status, 200);
  EXPECT_EQ(connect().receive().status, 503);
  EXPECT_EQ(server.connect().ask(get("/fast")).status, 200) << "that of TCP is another";
}

TEST_F(on_a_unix_socket, it_is_plain_also_on_a_server_with_tls) {
  auto how = over_tls(with());
  live_server server(how);
  EXPECT_EQ(connect().ask(get("/fast")).body, "fast\n");
  EXPECT_EQ(settled(server).ask(get("/fast")).body, "fast\n");
}

TEST_F(on_a_unix_socket, large_bodies_and_answers_pass) {
  live_server server(with());
  client c = connect();
  const auto body = varied(3'000'000);
  EXPECT_EQ(c.ask(post("/pool/echo", body)).body, body);
  EXPECT_EQ(c.ask(get("/big?size=3000000")).body.size(), 3'000'000U);
  EXPECT_EQ(c.ask(get("/fast")).body, "fast\n");
}

TEST_F(on_a_unix_socket, an_urgent_byte_is_a_byte_like_the_others) {
  live_server server(with());
  const auto request = get("/query?a=12");
  for (std::size_t at = 1; at < request.size(); ++at) {
    client c = connect();
    if (!c.send_urgent(request.substr(0, at))) {
      return;  // Linux has it for Unix sockets since 5.15
    }
    ASSERT_TRUE(c.send(request.substr(at)));
    ASSERT_EQ(c.receive().body, "a=12\n/query\n/query?a=12") << at;
  }
}

TEST_F(on_a_unix_socket, a_silent_client_is_closed_after_its_time) {
  auto how = with();
  how.how.idle_timeout = 20ms;
  how.how.head_timeout = 20ms;
  live_server server(how);
  EXPECT_TRUE(connect().sees_the_end());
  client slow = connect();
  ASSERT_TRUE(slow.send("GET / HT"));
  EXPECT_EQ(slow.receive().status, 408);
}

// --- how they leave ---

TEST_F(on_a_unix_socket, a_client_that_closes_ends_its_request) {
  live_server server(with());
  for (const auto& request : {get("/wait"), get("/wait") + get("/fast"), post("/wait", "hello")}) {
    const auto before = server.seen.all().size();
    client c = connect();
    ASSERT_TRUE(c.send(request));
    ASSERT_TRUE(server.at.await("/wait", static_cast<int>(before) + 1));
    c.close();
    const auto r = server.seen.nth(before);
    EXPECT_EQ(r.end, request_end::client_closed) << r.cause;
    EXPECT_EQ(r.status, 499);
  }
  EXPECT_EQ(server.at.count("/fast"), 0);
}

TEST_F(on_a_unix_socket, a_client_that_closes_ends_its_request_also_where_half_closes_are_ignored) {
  live_server server(with(half_close::ignore));
  for (const auto* path_of : {"/wait", "/late"}) {  // of which one sleeps, and one computes
    client c = connect();
    ASSERT_TRUE(c.send(get(path_of)));
    ASSERT_TRUE(server.at.await(path_of));
    c.close();
    EXPECT_EQ(server.seen.of(path_of).end, request_end::client_closed);
  }
}

TEST_F(on_a_unix_socket, a_half_close_is_a_hang_up_or_not_as_the_policy_says) {
  {
    live_server server(with());
    client c = connect();
    ASSERT_TRUE(c.send(get("/wait")));
    ASSERT_TRUE(server.at.await("/wait"));
    c.shutdown_write();
    EXPECT_TRUE(c.sees_the_end());
    EXPECT_EQ(server.seen.of("/wait").end, request_end::client_closed);
  }
  release go;
  auto how = with(half_close::ignore);
  how.more.emplace_back([&](live_server& s) { add_held(s, "GET", "/held", s.many, go); });
  live_server server(how);
  client c = connect();
  ASSERT_TRUE(c.send(get("/held")));
  ASSERT_TRUE(server.at.await("/held"));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  EXPECT_FALSE(server.seen.has_ended("/held"));
  go.now();
  EXPECT_EQ(c.receive().body, "delivered\n");
  EXPECT_EQ(server.seen.of("/held").end, request_end::completed);
}

TEST_F(on_a_unix_socket, a_close_after_a_half_close_that_was_ignored_ends_the_request) {
  live_server server(with(half_close::ignore));
  client c = connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  c.shutdown_write();
  ASSERT_TRUE(all_heard(server));
  EXPECT_FALSE(server.seen.has_ended("/wait"));
  c.close();
  EXPECT_EQ(server.seen.of("/wait").end, request_end::client_closed);
}

TEST_F(on_a_unix_socket, a_client_that_closes_without_reading_all_has_reset) {
  live_server server(with());
  client c = connect();
  ASSERT_TRUE(c.send(get("/pool/rows")));
  ASSERT_TRUE(c.receive_bytes(500));  // rows come
  ASSERT_TRUE(c.readable(patience));
  c.close();
  const auto r = server.seen.of("/pool/rows");
  EXPECT_EQ(r.end, request_end::client_reset);
  EXPECT_EQ(r.cause, "client reset (RST)");
  EXPECT_TRUE(server.at.await("/pool/rows over"));
}

TEST_F(on_a_unix_socket, a_client_that_leaves_while_it_is_queued_is_never_started) {
  live_server server(with());
  client busy = connect();
  ASSERT_TRUE(busy.send(get("/one/stubborn")));
  ASSERT_TRUE(server.at.await("/one/stubborn"));
  client c = connect();
  ASSERT_TRUE(c.send(get("/one/fast")));
  ASSERT_TRUE(eventually([&] { return server.one.now().queued == 1; }));
  c.close();
  const auto r = server.seen.of("/one/fast");
  EXPECT_EQ(r.end, request_end::client_closed);
  EXPECT_FALSE(r.started);
  server.gate.open();
  EXPECT_EQ(busy.receive().status, 200);
}

TEST_F(on_a_unix_socket, a_client_that_leaves_within_its_body_is_never_started) {
  live_server server(with());
  const int n = rounds(300);
  for (int i = 0; i < n; ++i) {
    client c = connect();
    ASSERT_TRUE(c.send(part_of_body("/wait", 500, 5)));
    ASSERT_TRUE(server.seen.await_began(static_cast<std::size_t>(i) + 1));
    c.close();
    const auto r = server.seen.nth(static_cast<std::size_t>(i));
    ASSERT_EQ(r.end, request_end::client_closed) << "round " << i;
    EXPECT_FALSE(r.started);
  }
}

// TCP would not hear it: the FIN stands behind more than the server reads.
TEST_F(on_a_unix_socket, a_close_behind_much_that_nobody_reads_is_heard) {
  auto how = with();
  how.how.read_ahead = 0;
  live_server server(how);
  client c = connect();
  ASSERT_TRUE(c.send(get("/wait")));
  ASSERT_TRUE(server.at.await("/wait"));
  EXPECT_GT(c.flood(std::string(1 << 20, 'x')), 0U);
  c.close();
  EXPECT_EQ(server.seen.of("/wait").end, request_end::client_closed);
}

TEST_F(on_a_unix_socket, a_client_that_leaves_after_its_answer_is_no_hang_up) {
  live_server server(with());
  client c = connect();
  EXPECT_EQ(c.ask(get("/pool/fast")).status, 200);
  c.close();
  EXPECT_EQ(server.seen.of("/pool/fast").end, request_end::completed);
  EXPECT_TRUE(server.await_no_connections());
}

TEST_F(on_a_unix_socket, a_client_that_does_not_read_is_cut_off_after_its_time) {
  auto how = with();
  how.how.write_timeout = 50ms;
  live_server server(how);
  client c = connect();
  ASSERT_TRUE(c.send(get("/pool/rows?size=100000")));
  EXPECT_EQ(server.seen.of("/pool/rows?size=100000").cause, "client did not read (write timeout)");
}

TEST_F(on_a_unix_socket, clients_that_wait_to_be_accepted_are_let_go_by_a_drain) {
  live_server server(with());
  client kept = connect();
  EXPECT_EQ(kept.ask(get("/fast")).status, 200);
  EXPECT_FALSE(server.server.drain(background(), patience));
  EXPECT_TRUE(kept.sees_the_end());
}

// --- sockets that it is given ---

TEST_F(on_a_unix_socket, that_it_was_given_it_serves_and_leaves_to_the_others_who_have_it) {
  const unix_listener local(path);
  const listener tcp;
  const int given[] = {::dup(local.fd()), ::dup(tcp.fd())};
  {
    http::server server;
    add_who(server);
    std::size_t failed = 7;
    ASSERT_EQ(server.start_inherited(given, &failed), std::error_code());
    for (const int fd : given) {
      EXPECT_EQ(::fcntl(fd, F_GETFD), -1) << "it has them now";
    }
    EXPECT_EQ(server.port(), tcp.port());
    EXPECT_EQ(server.endpoints(),
              (std::vector{"unix:" + path, "127.0.0.1:" + std::to_string(tcp.port())}));
    EXPECT_EQ(connect().ask(get("/who")).body, who_asks(path));
    EXPECT_EQ(client(tcp.port()).ask(get("/who")).status, 200);
  }
  EXPECT_TRUE(is_there(path)) << "it did not make the file";
  for (auto& waits : {connect(), client(tcp.port())}) {
    EXPECT_TRUE(waits.connected()) << "for the next server: the socket was not shut down";
  }
  http::server next;
  add_who(next);
  client early = connect();
  ASSERT_TRUE(early.send(get("/who")));
  const int again[] = {::dup(local.fd())};
  ASSERT_EQ(next.start_inherited(again), std::error_code());
  EXPECT_EQ(early.receive().body, who_asks(path)) << "nobody who waited was lost";
}

TEST_F(on_a_unix_socket, that_does_not_listen_or_is_none_is_refused_and_left_alone) {
  const unix_listener silent(path, -1);
  const listener tcp;
  http::server server;
  for (const int wrong : {silent.fd(), STDIN_FILENO, -1, 9999}) {
    const int given[] = {tcp.fd(), wrong};
    std::size_t failed = 7;
    EXPECT_EQ(server.start_inherited(given, &failed), std::errc::not_a_socket) << wrong;
    EXPECT_EQ(failed, 1U);
    EXPECT_NE(::fcntl(tcp.fd(), F_GETFD), -1);
  }
  EXPECT_EQ(server.start_inherited({}), std::errc::invalid_argument);
  EXPECT_EQ(server.start("127.0.0.1", 0), std::error_code());
}

}  // namespace
}  // namespace hangup::wire
