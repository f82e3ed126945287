#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

extern char** environ;

namespace hangup::test {

process::process(std::vector<std::string> command, int output, const std::vector<int>& given) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe");
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output < 0 ? pipe[1] : output, 1);
  ::posix_spawn_file_actions_adddup2(&actions, output < 0 ? pipe[1] : output, 2);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  std::vector<int> copies;  // out of the way of each other
  for (const int fd : given) {
    constexpr int above_all = 100;
    copies.push_back(::fcntl(fd, F_DUPFD_CLOEXEC, above_all));
    ::posix_spawn_file_actions_adddup2(&actions, copies.back(),
                                       2 + static_cast<int>(copies.size()));
  }
  std::vector<char*> argv;
  for (auto& word : command) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  const int failed = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  for (const int fd : copies) {
    ::close(fd);
  }
  out_ = pipe[0];
  if (failed != 0) {
    ::close(out_);
    throw std::runtime_error(command.front() + ": " + std::strerror(failed));
  }
  reader_ = std::thread([this] {
    char buffer[4096];
    for (;;) {
      const auto n = ::read(out_, buffer, sizeof buffer);
      const std::lock_guard hold(mutex_);
      if (n > 0) {
        text_.append(buffer, static_cast<std::size_t>(n));
      } else {
        closed_ = true;
      }
      changed_.notify_all();
      if (n <= 0) {
        return;
      }
    }
  });
}

process::~process() {
  if (!exit_) {
    signal(SIGKILL);
    wait();
  }
  reader_.join();
  ::close(out_);
}

void process::signal(int number) const {
  ::kill(pid_, number);
}

std::optional<int> process::wait(std::chrono::milliseconds limit) {
  if (exit_) {
    return exit_;
  }
  // A descriptor that becomes readable when the process ends.
  const int end = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd fd{end, POLLIN, 0};
  const int n = ::poll(&fd, 1, static_cast<int>(limit.count()));
  ::close(end);
  if (n != 1) {
    return std::nullopt;
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::unique_lock hold(mutex_);
  changed_.wait_for(hold, patience, [this] { return closed_; });
  return exit_;
}

std::string process::line_with(const std::string& text, std::chrono::milliseconds limit) {
  std::unique_lock hold(mutex_);
  std::size_t at = std::string::npos;
  const bool found = changed_.wait_for(hold, limit, [&] {
    at = text_.find(text);
    return closed_ || (at != std::string::npos && text_.find('\n', at) != std::string::npos);
  });
  if (!found || at == std::string::npos) {
    return "";
  }
  const auto begin = text_.rfind('\n', at) + 1;
  return text_.substr(begin, text_.find('\n', at) - begin);
}

std::string process::output() {
  const std::lock_guard hold(mutex_);
  return text_;
}

result run(std::vector<std::string> command) {
  process p(std::move(command));
  const auto exit = p.wait(std::chrono::seconds(60));
  return {exit.value_or(-1), p.output()};
}

bool is_one_line(const std::string& text) {
  return !text.empty() && std::count(text.begin(), text.end(), '\n') == 1 && text.back() == '\n';
}

std::size_t resident_kib(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmRSS:")) {
      return static_cast<std::size_t>(std::stoul(line.substr(6)));
    }
  }
  return 0;
}

}  // namespace hangup::test
