// libcurl's multi interface, one thread with many transfers: the end of a context stops the wait of
// its loop and with it all transfers, and the first transfer that fails ends the context.
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "hangup/context/after_func.h"
#include "hangup/context/context.h"

using namespace std::chrono_literals;
using hangup::context;

struct multi_deleter {
  void operator()(CURLM* m) const noexcept { curl_multi_cleanup(m); }
};
struct easy_deleter {
  void operator()(CURL* e) const noexcept { curl_easy_cleanup(e); }
};
using easy = std::unique_ptr<CURL, easy_deleter>;

// Fetches all of them, or none: the first failure stops the others.
std::error_code fetch_all(const context& parent, const std::vector<std::string>& urls) {
  const auto [ctx, cancel] = with_cancel(parent);
  const std::unique_ptr<CURLM, multi_deleter> multi(curl_multi_init());
  std::vector<easy> transfers;
  for (const auto& url : urls) {
    transfers.emplace_back(curl_easy_init());
    curl_easy_setopt(transfers.back().get(), CURLOPT_URL, url.c_str());
    curl_multi_add_handle(multi.get(), transfers.back().get());
  }
  // Heard: the one function of libcurl that another thread may call at any time.
  hangup::after_func on_end(ctx, [&multi] { curl_multi_wakeup(multi.get()); });
  int running = 1;
  while (running > 0 && !ctx.done()) {
    curl_multi_perform(multi.get(), &running);
    int left = 0;
    while (const CURLMsg* const told = curl_multi_info_read(multi.get(), &left)) {
      if (told->msg == CURLMSG_DONE && told->data.result != CURLE_OK) {
        cancel({.text = curl_easy_strerror(told->data.result)});  // caused
      }
    }
    if (running > 0 && !ctx.done()) {
      curl_multi_poll(multi.get(), nullptr, 0, 60'000, nullptr);
    }
  }
  on_end.stop_and_wait();
  for (const auto& transfer : transfers) {
    curl_multi_remove_handle(multi.get(), transfer.get());  // closes what is still under way
  }
  if (const auto* const why = ctx.cause()) {
    std::cout << "stopped: " << describe(*why) << std::endl;
  }
  return ctx.err();
}

// A server that takes connections and never answers, and the port of one that has gone.
int listening(std::string& url) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), size) != 0 || ::listen(fd, 8) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    std::abort();
  }
  url = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/";
  return fd;
}

int main() {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::string silent;
  std::string gone;
  const int server = listening(silent);
  ::close(listening(gone));

  const auto patience = with_timeout(hangup::background(), 300ms);
  std::cout << fetch_all(patience.ctx, {silent, silent}).message() << std::endl;

  std::cout << fetch_all(hangup::background(), {silent, gone}).message() << std::endl;
  ::close(server);
  curl_global_cleanup();
}

// Watch:
//   0.3 s | stopped: deadline exceeded
//         | context deadline exceeded
//         | stopped: canceled: Couldn't connect to server
//         | context canceled
//         | exit 0
