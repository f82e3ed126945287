#include "handlers/relay/name_lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>

#include "context/background_thread.h"
#include "hangup/context/wait.h"

namespace hangup::handlers {
namespace {

bool is_numeric(const std::string& host) noexcept {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

}  // namespace

struct name_lookup::state {
  const std::string host;
  const function look;
  const std::chrono::milliseconds keeps;
  std::mutex mutex;
  std::condition_variable_any changed;
  bool under_way = false;
  std::uint64_t done = 0;  // how many have completed
  addresses known;
  context::clock::time_point looked_at{};
};

name_lookup::name_lookup(std::string host, function look, std::chrono::milliseconds keeps)
    : state_(new state{std::move(host), std::move(look), keeps, {}, {}, false, 0, {}, {}}) {}

std::error_code name_lookup::find(const context& ctx, addresses& found) const {
  state& s = *state_;
  if (is_numeric(s.host)) {
    found = {s.host};
    return ctx.err();
  }
  std::unique_lock hold(s.mutex);
  if (!s.known.empty() && context::clock::now() - s.looked_at < s.keeps) {
    found = s.known;
    return ctx.err();
  }
  if (!s.under_way) {
    std::thread looking;
    if (const auto failed = tree::make_thread(looking, [own = state_]() noexcept {
          addresses news;
          try {
            news = own->look(own->host);
          } catch (const std::bad_alloc&) {  // no address is found this time
          }
          const std::lock_guard locked(own->mutex);
          own->known = std::move(news);
          own->looked_at = context::clock::now();
          own->under_way = false;
          ++own->done;
          own->changed.notify_all();
        })) {
      return failed;
    }
    looking.detach();
    s.under_way = true;
  }
  const auto next = s.done + 1;
  if (const auto ec = wait(ctx, s.changed, hold, [&] { return s.done >= next; })) {
    return ec;
  }
  found = s.known;
  return {};
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
