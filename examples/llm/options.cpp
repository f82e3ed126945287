#include "examples/llm/options.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

namespace llm {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr,
               "%s; allowed: --host NAME --port N --slots N --threads N --width N --api-key KEY "
               "--public FOLDER\n",
               why.c_str());
  std::exit(2);
}

template <class Number>
Number number(std::string_view flag, std::string_view text, Number least, Number most) {
  Number n{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (failed != std::errc{} || end != text.data() + text.size() || n < least || n > most) {
    refuse(std::string(flag) + ": found \"" + std::string(text) + "\", allowed are " +
           std::to_string(least) + " to " + std::to_string(most));
  }
  return n;
}

sigset_t ends() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

options read_options(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view flag = argv[i];
    if (i + 1 == argc) {
      refuse(std::string(flag) + " needs a value");
    }
    const char* const value = argv[i + 1];
    if (flag == "--host") {
      o.host = value;
    } else if (flag == "--port") {
      o.port = number(flag, value, 0, 65535);
    } else if (flag == "--slots") {
      o.slots = number<std::size_t>(flag, value, 1, 64);
    } else if (flag == "--threads") {
      o.threads = number(flag, value, 1U, 4096U);
    } else if (flag == "--width") {
      o.width = number<std::size_t>(flag, value, 16, 65536);
    } else if (flag == "--api-key") {
      o.api_key = value;
    } else if (flag == "--public") {
      o.public_folder = value;
    } else {
      refuse("unknown: " + std::string(flag));
    }
  }
  if (o.threads == 0) {
    o.threads = static_cast<unsigned>(o.slots) + 4;
  }
  return o;
}

void keep_signals_for_on_signal() {
  const sigset_t set = ends();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

on_signal::on_signal(std::function<void()> stop)
    : stop_(std::move(stop)), end_(::eventfd(0, EFD_CLOEXEC)) {
  const sigset_t set = ends();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  waits_ = std::thread([this] {
    pollfd both[] = {{signals_, POLLIN, 0}, {end_, POLLIN, 0}};
    while (::poll(both, 2, -1) < 0 && errno == EINTR) {
    }
    if (both[0].revents != 0) {
      stop_();
    }
  });
}

on_signal::~on_signal() {
  ::eventfd_write(end_, 1);
  waits_.join();
  ::close(end_);
  ::close(signals_);
}

}  // namespace llm
