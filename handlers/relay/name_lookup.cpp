#include "handlers/relay/name_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "context/background_thread.h"
#include "hangup/context/event.h"

namespace hangup::handlers {
namespace {

bool is_numeric(const std::string& host) noexcept {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

}  // namespace

struct name_lookup::state {
  state(std::string name, function by, std::chrono::milliseconds time)
      : host(std::move(name)), look(std::move(by)), keeps(time) {}

  const std::string host;
  const function look;
  const std::chrono::milliseconds keeps;
  std::mutex mutex;                    // guards the rest
  std::shared_ptr<event> under_way{};  // set when the look-up is over; null: none is
  addresses known{};
  context::clock::time_point looked_at{};

  // Looks up, on a thread of its own, and tells those who wait.
  static std::error_code begin(const std::shared_ptr<state>& s);
  void look_up() noexcept;
};

std::error_code name_lookup::state::begin(const std::shared_ptr<state>& s) {
  auto over = std::make_shared<event>();
  std::thread looking;
  if (const auto failed = tree::make_thread(looking, [s]() noexcept { s->look_up(); })) {
    return failed;
  }
  looking.detach();
  s->under_way = std::move(over);
  return {};
}

void name_lookup::state::look_up() noexcept {
  addresses news;
  try {
    news = look(host);
  } catch (const std::bad_alloc&) {  // no address is found this time
  }
  const std::lock_guard hold(mutex);
  known = std::move(news);
  looked_at = context::clock::now();
  std::exchange(under_way, nullptr)->set();
}

name_lookup::name_lookup(std::string host, function look, std::chrono::milliseconds keeps)
    : state_(new state(std::move(host), std::move(look), keeps)) {}

task<std::error_code> name_lookup::find(const context& ctx, addresses& found) const {
  state& s = *state_;
  if (is_numeric(s.host)) {
    found = {s.host};
    co_return ctx.err();
  }
  std::shared_ptr<event> over;
  {
    const std::lock_guard hold(s.mutex);
    if (!s.known.empty() && context::clock::now() - s.looked_at < s.keeps) {
      found = s.known;
      co_return ctx.err();
    }
    if (!s.under_way) {
      if (const auto failed = state::begin(state_)) {
        co_return failed;
      }
    }
    over = s.under_way;
  }
  if (const std::error_code ec = co_await over->wait(ctx)) {
    co_return ec;
  }
  const std::lock_guard hold(s.mutex);
  found = s.known;
  co_return std::error_code();
}

name_lookup::addresses name_lookup::system_lookup(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  addresses found;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) {
    return found;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(list, &::freeaddrinfo);
  for (const auto* one = list; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0 &&
        std::find(found.begin(), found.end(), text.data()) == found.end()) {
      found.emplace_back(text.data());
    }
  }
  return found;
}

}  // namespace hangup::handlers
