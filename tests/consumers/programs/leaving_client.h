// A client that asks for something and leaves as soon as it is being worked on; and what was heard
// of it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <future>
#include <string>
#include <string_view>

#include "hangup/context/cause.h"
#include "hangup/context/context.h"
#include "hangup/context/wait.h"

class leaving_client {
 public:
  // What a handler does: it works until the client has left.
  void work(const hangup::context& ctx) {
    begun_.set_value();
    const std::error_code ec = hangup::sleep_for(ctx, std::chrono::seconds(30));
    heard_.set_value(ec ? describe(*ctx.cause()) : "nothing");
  }

  // Asks GET path, leaves, and waits for what the handler has heard. The exit status of the
  // program.
  int visit(std::uint16_t port, const char* path, const char* who) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string asks = std::string("GET ") + path + " HTTP/1.1\r\nHost: test\r\n\r\n";
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
        ::send(fd, asks.data(), asks.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(asks.size())) {
      std::printf("%s: the client cannot ask: %s\n", who, std::strerror(errno));
      return 1;
    }
    auto begun = begun_.get_future();
    auto heard = heard_.get_future();
    if (begun.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      std::printf("%s: the handler was not called\n", who);
      return 1;
    }
    ::close(fd);
    const std::string cause = heard.get();
    std::printf("%s: %s\n", who, cause.c_str());
    return cause == "client closed (FIN)" ? 0 : 1;
  }

 private:
  std::promise<void> begun_;
  std::promise<std::string> heard_;
};
