// What a real PostgreSQL server does seldom, or not at all: a cancel that is lost, one that comes
// late, settings that it does not know. By a server that speaks just enough of the protocol.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "handlers/query/postgres.h"
#include "tests/support/listener.h"

namespace hangup::system_test {
namespace {

using namespace std::chrono_literals;
using test::listener;

std::string number(std::uint32_t n) {
  n = htonl(n);
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &n, 4);
  return bytes;
}

std::string message(char type, const std::string& body) {
  return std::string(1, type) + number(static_cast<std::uint32_t>(body.size()) + 4) + body;
}

std::string error(const std::string& state) {
  const std::string end(1, '\0');
  return message('E', "SERROR" + end + "C" + state + end + "Mno" + end + end);
}

struct habits {
  unsigned cancels_lost = 0;   // how many cancels are without effect
  unsigned discards_hit = 0;   // how many statements after that are hit by a late one
  bool transaction = false;    // the cancelled statement leaves a transaction open
  bool knows_settings = true;  // of those that we set, it knows any ...
  bool checks_client = true;   // ... and client_connection_check_interval
  unsigned sessions_lost = 0;  // how many sessions end with the first report, unheard
};

class scripted_server {
 public:
  explicit scripted_server(habits how) : how_(how) {
    acceptor_ = std::thread([this] { accept(); });
  }
  // After its clients.
  ~scripted_server() {
    ::shutdown(at_.fd(), SHUT_RDWR);
    acceptor_.join();
    for (auto& s : sessions_) {
      s.join();
    }
  }
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;

  std::string conninfo() const {
    return "host=127.0.0.1 user=x dbname=x sslmode=disable gssencmode=disable port=" +
           std::to_string(at_.port());
  }
  void wait_for_a_statement() {
    std::unique_lock hold(mutex_);
    changed_.wait(hold, [this] { return running_; });
  }
  std::vector<std::string> said() {
    const std::lock_guard hold(mutex_);
    return said_;
  }

 private:
  static bool read(int fd, std::string& to, std::size_t bytes) {
    to.resize(bytes);
    return bytes == 0 || ::recv(fd, to.data(), bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes);
  }
  static std::uint32_t number_in(const std::string& bytes) {
    std::uint32_t n = 0;
    std::memcpy(&n, bytes.data(), 4);
    return ntohl(n);
  }
  static void send(int fd, const std::string& bytes) {
    ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  void accept() {
    for (int fd = 0; (fd = ::accept4(at_.fd(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      std::string length;
      std::string body;
      if (!read(fd, length, 4) || !read(fd, body, number_in(length) - 4)) {
        ::close(fd);
      } else if (number_in(body) == 80877102) {  // CancelRequest
        {
          const std::lock_guard hold(mutex_);
          ++cancels_;
          changed_.notify_all();
        }
        ::close(fd);
      } else {
        sessions_.emplace_back([this, fd] {
          serve(fd);
          ::close(fd);
        });
      }
    }
  }

  void serve(int fd) {
    send(fd, message('R', number(0)) + message('K', number(1) + number(2)) + message('Z', "I"));
    std::string type;
    std::string length;
    std::string body;
    std::string answer;
    std::string sql;
    bool skips = false;  // what is behind an error, up to the end of the group
    session here;
    while (read(fd, type, 1) && read(fd, length, 4) && read(fd, body, number_in(length) - 4)) {
      if (type[0] == 'S') {
        send(fd, answer + message('Z', here.state));
        answer.clear();
        skips = false;
      } else if (type[0] == 'P') {
        sql = body.substr(1, body.find('\0', 1) - 1);  // behind the name, which is empty
      }
      if (skips || type[0] == 'S') {
        continue;
      }
      if (type[0] != 'E') {
        answer += message(type[0] == 'P' ? '1' : type[0] == 'B' ? '2' : 'n', "");
        continue;
      }
      const auto said = run(sql, here);
      if (here.lost) {
        return;
      }
      answer += said.empty() ? message('C', std::string("DONE\0", 5)) : error(said);
      skips = !said.empty();
    }
  }

  struct session {
    std::string state = "I";
    bool lost = false;
  };

  // The SQLSTATE of the error, none: done.
  std::string run(const std::string& sql, session& here) {
    std::unique_lock hold(mutex_);
    said_.push_back(sql);
    if (sql.find("set_config") != std::string::npos) {
      const bool good = how_.knows_settings &&
                        (how_.checks_client || sql.find("client_connection") == std::string::npos);
      return good ? "" : "42704";
    }
    if (sql == "ROLLBACK") {
      here.state = "I";
      return "";
    }
    if (sql == "DISCARD ALL") {
      if (here.state != "I") {
        return "25001";
      }
      const bool hit = cancels_ > 0 && how_.discards_hit > 0;
      how_.discards_hit -= hit ? 1 : 0;
      return hit ? "57014" : "";
    }
    if (sql.find("pg_sleep") == std::string::npos) {  // one of our own
      return "";
    }
    if (how_.sessions_lost > 0) {
      --how_.sessions_lost;
      here.lost = true;
      return "";
    }
    running_ = true;  // until it is cancelled
    changed_.notify_all();
    changed_.wait(hold, [this] { return cancels_ > how_.cancels_lost; });
    here.state = how_.transaction ? "E" : "I";
    return "57014";
  }

  habits how_;
  const listener at_;
  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned cancels_ = 0;  // guarded by mutex_, as the rest
  bool running_ = false;
  std::vector<std::string> said_;
  std::vector<std::thread> sessions_;  // of the acceptor, then of the destructor
  std::thread acceptor_;
};

class no_rows final : public query::row_sink {
 public:
  std::error_code columns(const context&, std::span<const std::string>) override { return {}; }
  std::error_code row(const context&, std::span<const query::field>) override { return {}; }
  std::error_code idle(const context&) override { return {}; }
};

// Hangs up on a statement, and returns what became of its connection.
query::settled hang_up(scripted_server& server) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<query::settled> told;
  query::postgres db({.conninfo = server.conninfo(), .connections = 1, .settle_timeout = 20s},
                     [&](const query::settled& s) {
                       const std::lock_guard hold(mutex);
                       told = s;
                       changed.notify_all();
                     });
  const auto [ctx, cancel] = with_cancel(background());
  std::thread request([&, ctx = ctx] {
    std::unique_ptr<query::running> q;
    std::string why;
    const query::report r{.name = "r", .sql = "SELECT pg_sleep(600)"};
    EXPECT_EQ(db.start(ctx, r, {}, q, why), hangup::errc::canceled) << why;
  });
  server.wait_for_a_statement();
  cancel();
  request.join();
  std::unique_lock hold(mutex);
  EXPECT_TRUE(changed.wait_for(hold, 20s, [&] { return told.has_value(); }));
  EXPECT_EQ(db.now().kept, told && told->kept ? 1U : 0U);
  return told.value_or(query::settled{});
}

TEST(postgres_protocol, a_cancel_that_is_lost_is_sent_again) {
  scripted_server server({.cancels_lost = 3});
  const auto s = hang_up(server);
  EXPECT_TRUE(s.kept);
  EXPECT_EQ(s.cancels, 4U);
}

// What the server was told, without the settings and what is asked when a session begins.
std::vector<std::string> statements_of(scripted_server& server) {
  auto all = server.said();
  std::erase_if(all, [](const auto& sql) {
    return sql.find("set_config") != std::string::npos || sql == "SELECT 1";
  });
  return all;
}

TEST(postgres_protocol, a_cancel_that_comes_late_hits_the_check_and_not_the_next_request) {
  scripted_server server({.discards_hit = 3});  // the first is the report's own
  const auto s = hang_up(server);
  EXPECT_TRUE(s.kept);
  EXPECT_EQ(s.late_cancels, 2U);
  EXPECT_EQ(statements_of(server),
            (std::vector<std::string>{"DISCARD ALL", "SELECT pg_sleep(600)", "DISCARD ALL",
                                      "DISCARD ALL", "DISCARD ALL", "DISCARD ALL"}));
}

TEST(postgres_protocol, what_is_left_of_a_transaction_is_rolled_back) {  // B89
  scripted_server server({.transaction = true});
  EXPECT_TRUE(hang_up(server).kept);
  EXPECT_EQ(statements_of(server),
            (std::vector<std::string>{"DISCARD ALL", "SELECT pg_sleep(600)", "DISCARD ALL",
                                      "ROLLBACK", "DISCARD ALL"}));
}

TEST(postgres_protocol, a_server_without_the_second_belt_is_none_the_worse) {
  scripted_server server({.checks_client = false});
  query::postgres db({.conninfo = server.conninfo(), .connections = 1});
  std::string why;
  EXPECT_FALSE(db.reachable(background(), why)) << why;
  EXPECT_FALSE(db.reachable(background(), why)) << why;
  EXPECT_EQ(db.now().kept, 2U);
}

TEST(postgres_protocol, a_server_that_cannot_keep_it_read_only_is_not_used) {
  scripted_server server({.knows_settings = false});
  query::postgres db({.conninfo = server.conninfo(), .connections = 1});
  std::string why;
  EXPECT_EQ(db.reachable(background(), why), query::errc::unreachable);
  EXPECT_EQ(why, "no (42704)");
}

// Asks for a report whose session ends, without a word, as soon as it has come.
std::pair<std::error_code, std::size_t> asked_of_lost_sessions(unsigned how_many, bool read_only) {
  scripted_server server({.sessions_lost = how_many});
  query::postgres db({.conninfo = server.conninfo(), .connections = 1, .read_only = read_only});
  const query::report r{.name = "r", .sql = "SELECT pg_sleep(600)"};
  const auto [ctx, cancel] = with_cancel(background());
  std::thread hangs_up;
  if (how_many < 3 && read_only) {  // then it is run
    hangs_up = std::thread([&, &cancel = cancel] {
      server.wait_for_a_statement();
      cancel();
    });
  }
  std::unique_ptr<query::running> q;
  std::string why;
  const auto ec = db.start(ctx, r, {}, q, why);
  if (hangs_up.joinable()) {
    hangs_up.join();
  }
  const auto all = server.said();
  return {ec, static_cast<std::size_t>(std::count(all.begin(), all.end(), r.sql))};
}

TEST(postgres_protocol, a_report_whose_session_ends_at_once_is_asked_again_and_not_for_ever) {
  EXPECT_EQ(asked_of_lost_sessions(2, true),
            std::pair(make_error_code(hangup::errc::canceled), std::size_t{3}));
  EXPECT_EQ(asked_of_lost_sessions(9, true),
            std::pair(make_error_code(query::errc::unreachable), std::size_t{3}));
}

TEST(postgres_protocol, a_report_that_may_write_is_not_asked_again) {
  EXPECT_EQ(asked_of_lost_sessions(1, false),
            std::pair(make_error_code(query::errc::unreachable), std::size_t{1}));
}

}  // namespace
}  // namespace hangup::system_test
