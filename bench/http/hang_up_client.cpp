// The client of the HTTP benchmark: one for all servers. It asks, hangs up, and finds out from the
// server's own pages when the work behind it stopped. One thread; prints one JSON object.
//
//   hang_up_client MODE PORT PID [NAME=VALUE...]
//
//   latency  path= how=fin|rst count= hold_us=FROM:TO at_a_time= page= burn= seed=
//   storm    count=
//   waiting  count=
//   idle     count=
//   goodput  per_second= leave= seconds= seed=
//
// What the modes do is in modes.h.
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <stdexcept>

#include "bench/http/modes.h"

namespace {

class settings {
 public:
  settings(int count, char** texts) {
    for (int i = 0; i < count; ++i) {
      const std::string text = texts[i];
      const auto sign = text.find('=');
      if (sign == text.npos) {
        throw std::runtime_error(text + ": not NAME=VALUE");
      }
      all_[text.substr(0, sign)] = text.substr(sign + 1);
    }
  }

  // Sets what is given, and takes it off the list.
  void take(const char* name, std::string& value) {
    if (const auto it = all_.find(name); it != all_.end()) {
      value = it->second;
      all_.erase(it);
    }
  }
  template <class T>
  void take(const char* name, T& value) {
    std::string text;
    take(name, text);
    if (!text.empty()) {
      value = static_cast<T>(std::stod(text));
    }
  }
  void none_left() const {
    if (!all_.empty()) {
      throw std::runtime_error(all_.begin()->first + ": unknown");
    }
  }

 private:
  std::map<std::string, std::string> all_;
};

bench::json run(const std::string& mode, const bench::target& at, settings given) {
  std::uint64_t seed = 1;
  given.take("seed", seed);
  if (mode == "latency") {
    bench::latency_options how;
    std::string leaves = "fin";
    std::string hold;
    given.take("path", how.path);
    given.take("how", leaves);
    given.take("count", how.count);
    given.take("hold_us", hold);
    given.take("at_a_time", how.at_a_time);
    given.take("page", how.page);
    given.take("burn", how.burn);
    given.none_left();
    how.how = leaves == "rst" ? bench::leaving::rst : bench::leaving::fin;
    if (!hold.empty()) {
      how.hold_from_us = std::stol(hold);
      how.hold_to_us = std::stol(hold.substr(hold.find(':') + 1));
    }
    return bench::latency(at, how, seed);
  }
  if (mode == "goodput") {
    bench::goodput_options how;
    given.take("per_second", how.per_second);
    given.take("leave", how.leave);
    given.take("seconds", how.seconds);
    given.none_left();
    return bench::goodput(at, how, seed);
  }
  int count = 10'000;
  given.take("count", count);
  given.none_left();
  if (mode == "storm") {
    return bench::storm(at, count);
  }
  if (mode == "waiting") {
    return bench::waiting(at, "/query/sim/task", count);
  }
  if (mode == "idle") {
    return bench::idle(at, count);
  }
  throw std::runtime_error(mode + ": unknown");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(
        stderr,
        "usage: hang_up_client latency|storm|waiting|idle|goodput PORT PID [NAME=VALUE...]\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &descriptors);
  try {
    std::cout << run(argv[1], {std::stoi(argv[2]), std::stoi(argv[3])}, {argc - 4, argv + 4})
              << "\n";
  } catch (const std::exception& e) {
    std::fprintf(stderr, "hang_up_client: %s\n", e.what());
    return 1;
  }
}
