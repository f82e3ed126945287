// The program as a process: what it is given by whoever starts it, what it is asked by signals at
// any time, and an end that waits for nobody without a limit.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/eventually.h"
#include "tests/support/listener.h"
#include "tests/support/needs.h"
#include "tests/support/sanitized.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

// A pipe that is full, and read by nobody until somebody asks for it.
class unread_pipe {
 public:
  unread_pipe() {
    if (::pipe2(fds_.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
      throw std::runtime_error("pipe");
    }
    const std::string much(4096, '.');
    while (::write(fds_[1], much.data(), much.size()) > 0) {
    }
    ::fcntl(fds_[1], F_SETFL, 0);
  }
  ~unread_pipe() {
    ::close(fds_[0]);
    ::close(fds_[1]);
  }
  unread_pipe(const unread_pipe&) = delete;
  unread_pipe& operator=(const unread_pipe&) = delete;

  int end() const noexcept { return fds_[1]; }
  bool is_blocking() const { return (::fcntl(fds_[1], F_GETFL) & O_NONBLOCK) == 0; }

 private:
  std::array<int, 2> fds_{};
};

// A port that is free, for a program that cannot say which one it has taken.
std::uint16_t free_port() {
  const listener l;
  return l.port();
}

std::vector<std::string> on_port(std::uint16_t port, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {HANGUP_BINARY, "--port", std::to_string(port)});
  return more;
}

bool serves(const site& s) {
  return eventually([&] { return s.curl("/healthz").output == "ok\n"; });
}

site site_on(std::uint16_t port) {
  return site("http://127.0.0.1:" + std::to_string(port));
}

// A named pipe in a folder of the test's own: who opens it waits until somebody opens the other
// end.
class fifo {
 public:
  fifo() : path_(files / "fifo") { ::mkfifo(path_.c_str(), 0600); }
  const std::string& path() const noexcept { return path_; }
  // Returns when somebody has opened it to read.
  int open() const { return ::open(path_.c_str(), O_WRONLY | O_CLOEXEC); }

 private:
  const shop files;
  const std::string path_;
};

TEST(unread_output, keeps_it_neither_from_making_its_sample_nor_from_serving_nor_from_ending) {
  shop f;
  f.settings["log"]["queue"] = 256;
  const unread_pipe out;
  const auto port = free_port();
  process p(on_port(port, {"--config", f.config()}), out.end());
  const auto s = site_on(port);
  ASSERT_TRUE(serves(s));
  std::vector<std::string> many;
  for (int i = 0; i < 600; ++i) {
    many.push_back(s.url("/healthz"));
  }
  EXPECT_EQ(s.curl("/healthz", many).exit, 0);
  EXPECT_GT(s.metric("hangup_log_dropped_total").value_or(-1), 0);
  EXPECT_TRUE(out.is_blocking()) << "others share it";
  p.signal(SIGTERM);
  EXPECT_EQ(p.wait(15s), 0);
}

TEST(unread_output, does_not_keep_work_that_does_not_stop_from_being_left) {
  shop f;
  f.settings["databases"] = nlohmann::json::object();
  f.settings["stopping"] = {{"drain_seconds", 0}, {"stop_seconds", 1}};
  f.settings["spin"] = {{"allow_deaf", true}, {"max_deaf_ms", 60000}};
  const unread_pipe out;
  const auto port = free_port();
  process p(on_port(port, {"--config", f.config()}), out.end());
  const auto s = site_on(port);
  ASSERT_TRUE(serves(s));
  process deaf({"curl", "-s", s.url("/spin?ms=60000&look=0")});
  ASSERT_TRUE(s.in_flight_until([](const auto& all) { return all.size() > 1; }));
  p.signal(SIGTERM);
  EXPECT_EQ(p.wait(15s), 1);
}

TEST(unread_output, does_not_keep_a_word_to_the_user_for_ever) {
  const unread_pipe out;
  process help({HANGUP_BINARY, "--help"}, out.end());
  process settings({HANGUP_BINARY, "--print-config"}, out.end());
  process mistake({HANGUP_BINARY, "--such"}, out.end());
  EXPECT_EQ(help.wait(15s), 1) << "it was not said";
  EXPECT_EQ(settings.wait(15s), 1);
  EXPECT_EQ(mistake.wait(15s), 2);
}

TEST(streams, that_are_not_open_are_opened_on_nothing_before_all_else) {
  const auto port = free_port();
  process p({"sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh", HANGUP_BINARY, "--port",
             std::to_string(port)});
  const auto s = site_on(port);
  ASSERT_TRUE(serves(s));
  for (const char* const fd : {"0", "1", "2"}) {
    EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(p.pid()) + "/fd/" + fd),
              "/dev/null");
  }
  p.signal(SIGTERM);
  EXPECT_EQ(p.wait(), 0);
}

// A program whose configuration comes by a pipe of the shell, and so not before the FIFO that is
// behind it has been written.
std::vector<std::string> reading_from(const fifo& config) {
  return {"bash", "-c", "exec \"$0\" --port 0 --config <(exec cat \"$1\" 2>/dev/null)",
          HANGUP_BINARY, config.path()};
}

// Has the program blocked its signals, which it does before anything else? The shell that starts
// it blocks some, too, for a moment.
bool hears_signals(const process& p) {
  return eventually([&] {
    const auto of = "/proc/" + std::to_string(p.pid());
    std::error_code ignored;
    if (!std::filesystem::equivalent(of + "/exe", HANGUP_BINARY, ignored)) {
      return false;
    }
    std::ifstream in(of + "/status");
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("SigBlk:")) {
        return (std::stoull(line.substr(7), nullptr, 16) >> (SIGHUP - 1) & 1U) != 0;
      }
    }
    return false;
  });
}

TEST(signals, that_ask_to_read_again_do_not_end_a_program_that_starts) {
  const fifo config;
  process p(reading_from(config));
  const int to = config.open();
  ASSERT_TRUE(hears_signals(p));
  p.signal(SIGHUP);
  ASSERT_EQ(::write(to, "{\"databases\": {}}", 17), 17);
  ::close(to);
  EXPECT_NE(p.line_with(" listens on "), "") << p.output();
  EXPECT_NE(p.line_with("SIGHUP"), "") << "it was heard later";
  p.signal(SIGTERM);
  EXPECT_EQ(p.wait(), 0);
}

TEST(signals, end_a_program_that_only_reads_its_configuration_at_once) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const fifo config;
    process p(reading_from(config));
    const int to = config.open();
    ASSERT_TRUE(hears_signals(p));
    p.signal(signal);
    EXPECT_EQ(p.wait(), 128 + signal);
    ::close(to);
  }
}

TEST(signals, while_it_starts_are_each_answered_by_its_end) {
  shop f;
  for (int i = 0; i < 6; ++i) {  // anywhere in its start
    process p({HANGUP_BINARY, "--port", "0", "--config", f.config()});
    ::poll(nullptr, 0, 7 * i);
    p.signal(SIGHUP);
    p.signal(SIGTERM);
    const auto code = p.wait();
    ASSERT_TRUE(code);
    EXPECT_TRUE(*code == 0 || *code == 128 + SIGTERM || *code == 128 + SIGHUP) << *code;
  }
}

TEST(full_disk, keeps_no_answer_of_the_command_line_from_failing_in_words) {
  for (const auto* flag : {"--help", "-h", "--version", "--print-config", "--check-config"}) {
    const auto r = run({"sh", "-c", "\"$0\" \"$1\" >/dev/full", HANGUP_BINARY, flag});
    EXPECT_EQ(r.exit, 1) << flag;
    EXPECT_EQ(r.output, "hangup: cannot write to standard output: No space left on device\n");
  }
}

TEST(few_descriptors, are_a_warning_at_the_start_with_both_numbers) {
  const auto with = [](const std::string& limit, const std::string& most) {
    shop f;
    f.settings["databases"] = nlohmann::json::object();
    f.settings["http"]["max_connections"] = std::stoi(most);
    process p({"prlimit", "--nofile=" + limit + ":" + limit, HANGUP_BINARY, "--port", "0",
               "--config", f.config()});
    EXPECT_NE(p.line_with(" listens on "), "") << p.output();
    p.signal(SIGTERM);
    EXPECT_EQ(p.wait(), 0);
    return p.output();
  };
  const auto few = with("512", "1000");
  EXPECT_NE(few.find(" warning the limit of open files is 512 (ulimit -n), but about "),
            std::string::npos)
      << few;
  EXPECT_NE(few.find(" http.max_connections = 1000 "), std::string::npos) << few;
  EXPECT_EQ(with("4096", "1000").find("ulimit"), std::string::npos);
}

TEST(few_descriptors, with_which_nobody_could_be_served_are_refused_with_both_numbers) {
  for (const auto* flag : {"--check-config", "--port=0"}) {
    const auto r = run({"prlimit", "--nofile=20:20", HANGUP_BINARY, flag});
    EXPECT_EQ(r.exit, 2) << flag;
    EXPECT_EQ(r.output, "the limit of open files: found 20 (ulimit -Hn), allowed from 56 on\n");
  }
}

TEST(signals, three_end_it_on_the_spot) {
  shop f;
  f.settings["databases"] = nlohmann::json::object();
  f.settings["stopping"] = {{"drain_seconds", 600}, {"stop_seconds", 600}};
  f.settings["spin"] = {{"allow_deaf", true}, {"max_deaf_ms", 60000}};
  server s({"--config", f.config()});
  process deaf({"curl", "-s", s.url("/spin?ms=60000&look=0")});
  ASSERT_TRUE(s.in_flight_until([](const auto& all) { return all.size() > 1; }));
  s.program.signal(SIGTERM);
  ASSERT_NE(s.program.line_with("draining"), "");
  s.program.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] {  // the first two have been read
    std::ifstream in("/proc/" + std::to_string(s.pid()) + "/status");
    std::stringstream all;
    all << in.rdbuf();
    return all.str().find("ShdPnd:\t0000000000000000") != std::string::npos;
  }));
  s.program.signal(SIGTERM);
  EXPECT_EQ(s.program.wait(15s), 1);
}

// As process 1 of a container has them: children that it never started.
TEST(children, that_are_left_to_it_are_reaped) {
  const fifo gate;
  process p({"sh", "-c", "cat \"$0\" >/dev/null & echo child $! && exec \"$@\"", gate.path(),
             HANGUP_BINARY, "--port", "0"});
  const auto line = p.line_with("child ");
  ASSERT_NE(line, "");
  const auto child = "/proc/" + line.substr(6);
  ASSERT_NE(p.line_with(" listens on "), "");
  ASSERT_TRUE(std::filesystem::exists(child));
  ::close(gate.open());  // it reads the end, and ends
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(child); }));
  p.signal(SIGTERM);
  EXPECT_EQ(p.wait(), 0);
}

// Root has no such limit: then as somebody else, who may not be able to enter the folder of the
// program: a copy of it is run.
class thread_limit : public ::testing::Test {
 protected:
  void SetUp() override {
    needs({no_sanitizer("has threads of its own"), test::program("setpriv"),
           test::program("prlimit")});
    ::chmod(folder_.path().c_str(), 0777);
    if (::geteuid() == 0) {
      as_ = {"env",           "-C",
             folder_.path(),  "HOME=" + folder_.path(),
             "setpriv",       "--reuid=65534",
             "--regid=65534", "--clear-groups"};
      program_ = folder_ / "hangup";
      std::filesystem::copy_file(HANGUP_BINARY, program_);
    }
  }
  std::vector<std::string> as(const std::vector<std::string>& command) const {
    auto all = as_;
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
  // From now on it can make none.
  void reach(const process& p) const {
    const auto r = run(as({"prlimit", "--pid=" + std::to_string(p.pid()), "--nproc=1:1"}));
    ASSERT_EQ(r.exit, 0) << r.output;
  }

  shop folder_;
  std::string program_ = HANGUP_BINARY;

 private:
  std::vector<std::string> as_;
};

TEST_F(thread_limit, costs_no_more_than_what_needs_a_thread_and_lets_it_drain) {
  process p(as({program_, "--port", "0", "--config", folder_.config()}));
  const auto line = p.line_with(" listens on ");
  ASSERT_NE(line, "") << p.output();
  const auto from = line.find("http://");
  const site s(line.substr(from, line.find(' ', from) - from));
  ASSERT_EQ(s.curl("/query/sqlite?report=customer&id=1").exit, 0);  // there is a worker
  reach(p);
  for (int i = 0; i < 3; ++i) {
    const auto a = s.curl("/fanout?parts=3", {"-i"}).output;
    EXPECT_NE(a.find("HTTP/1.1 503 "), std::string::npos) << a;
    EXPECT_NE(a.find("Retry-After: "), std::string::npos) << a;
  }
  EXPECT_EQ(s.curl("/readyz", {"-o", "/dev/null", "-w", "%{http_code}"}).output, "503");
  process slow({"curl", "-s", "-i", s.url("/query/sim?rows=2&row_ms=700&stream=0")});
  ASSERT_TRUE(s.in_flight_until([](const auto& all) { return all.size() > 1; }));
  p.signal(SIGTERM);
  EXPECT_EQ(slow.wait(), 0);
  EXPECT_NE(slow.output().find("HTTP/1.1 200 "), std::string::npos) << slow.output();
  EXPECT_EQ(p.wait(), 0) << p.output();
}

}  // namespace
}  // namespace hangup::system_test
