#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <queue>
#include <random>
#include <unordered_map>

#include "bench/http/modes.h"

namespace bench {
namespace {

struct client {
  std::int64_t comes = 0;
  std::int64_t leaves = 0;  // 0: it stays
};

std::vector<client> arrivals(const goodput_options& how, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<double> gap(how.per_second / 1e9);
  std::bernoulli_distribution leaver(how.leave);
  std::uniform_real_distribution<double> patience(1e6, 3e6);
  std::vector<client> all;
  for (double at = gap(random); at < how.seconds * 1e9; at += gap(random)) {
    const auto comes = static_cast<std::int64_t>(at);
    all.push_back(
        {comes, leaver(random) ? comes + static_cast<std::int64_t>(patience(random)) : 0});
  }
  return all;
}

class open_loop {
 public:
  open_loop(int port, std::string path, std::vector<client> all)
      : port_(port),
        path_(std::move(path)),
        all_(std::move(all)),
        fds_(all_.size(), -1),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~open_loop() {
    for (std::size_t i = 0; i < fds_.size(); ++i) {
      close(i);
    }
    ::close(epoll_);
  }
  open_loop(const open_loop&) = delete;
  open_loop& operator=(const open_loop&) = delete;

  json run() {
    constexpr std::int64_t patience = 3'000'000'000;  // after the last has come
    start_ = now_ns();
    const auto end = start_ + (all_.empty() ? 0 : all_.back().comes) + patience;
    while (next_ < all_.size() || (waiting_ > 0 && now_ns() < end)) {
      const auto now = now_ns() - start_;
      for (; next_ < all_.size() && all_[next_].comes <= now; ++next_) {
        come(next_);
      }
      for (; !leavers_.empty() && leavers_.top().first <= now; leavers_.pop()) {
        close(leavers_.top().second);
      }
      wait(end);
    }
    const auto asked =
        std::count_if(all_.begin(), all_.end(), [](auto& c) { return c.leaves == 0; });
    const auto answered = std::ssize(ms_);
    return {
        {"asked", asked},
        {"answered", answered},
        {"share", asked == 0 ? 0.0 : static_cast<double>(answered) / static_cast<double>(asked)},
        {"refused", refused_},
        {"unanswered", waiting_},
        {"ms", summary(ms_)}};
  }

 private:
  void come(std::size_t i) {
    fds_[i] = connect_to(port_, false);
    watch(EPOLL_CTL_ADD, i, EPOLLOUT);
    if (all_[i].leaves != 0) {
      leavers_.emplace(all_[i].leaves, i);
    } else {
      ++waiting_;
    }
  }

  void wait(std::int64_t end) {
    auto until = end;
    if (next_ < all_.size()) {
      until = std::min(until, start_ + all_[next_].comes);
    }
    if (!leavers_.empty()) {
      until = std::min(until, start_ + leavers_.top().first);
    }
    const auto ns = std::max<std::int64_t>(until - now_ns(), 0);
    const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
    std::array<epoll_event, 64> events;
    const int n =
        ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &time, nullptr);
    for (int k = 0; k < n; ++k) {
      const auto& ev = events[static_cast<std::size_t>(k)];
      const auto i = static_cast<std::size_t>(ev.data.u64);
      if (fds_[i] < 0) {
        continue;
      }
      if ((ev.events & EPOLLOUT) != 0 && (ev.events & EPOLLERR) == 0) {
        send_all(fds_[i], request(path_, "g-" + std::to_string(i)));
        watch(EPOLL_CTL_MOD, i, EPOLLIN);
      } else {
        answer(i);
      }
    }
  }

  void answer(std::size_t i) {
    std::array<char, 4096> text{};
    const auto n = ::recv(fds_[i], text.data(), text.size() - 1, 0);
    if (all_[i].leaves == 0) {
      --waiting_;
      if (n > 0 && std::strncmp(text.data(), "HTTP/1.1 200", 12) == 0) {
        ms_.push_back(static_cast<double>(now_ns() - start_ - all_[i].comes) / 1e6);
      } else {
        ++refused_;
      }
    }
    close(i);
  }

  void close(std::size_t i) noexcept {
    if (fds_[i] >= 0) {
      ::close(std::exchange(fds_[i], -1));
    }
  }

  void watch(int op, std::size_t i, std::uint32_t events) const noexcept {
    epoll_event ev{};
    ev.events = events;
    ev.data.u64 = i;
    ::epoll_ctl(epoll_, op, fds_[i], &ev);
  }

  const int port_;
  const std::string path_;
  const std::vector<client> all_;
  std::vector<int> fds_;  // by client; -1: not here
  const int epoll_;
  std::int64_t start_ = 0;
  std::size_t next_ = 0;
  using departure = std::pair<std::int64_t, std::size_t>;
  std::priority_queue<departure, std::vector<departure>, std::greater<>> leavers_;
  long waiting_ = 0;
  long refused_ = 0;
  std::vector<double> ms_;
};

}  // namespace

json goodput(const target& at, const goodput_options& how, std::uint64_t seed) {
  open_loop all(at.port, "/spin?ms=" + std::to_string(how.spin_ms), arrivals(how, seed));
  return all.run();
}

}  // namespace bench
