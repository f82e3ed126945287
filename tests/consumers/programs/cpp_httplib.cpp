// A server of cpp-httplib with one type changed, SERVER: hangup::http::watched or
// hangup::http::hosted.
#include <cstdio>
#include <thread>

#include "hangup/http/context_of.h"
#include SERVER_HEADER
#include "leaving_client.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

int main() {
  leaving_client client;
  hangup::http::SERVER<httplib::Server> server;
  server.Get("/work", [&](const httplib::Request& req, httplib::Response& res) {
    client.work(hangup::http::context_of(req));
    res.set_content("done\n", "text/plain");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  if (port <= 0) {
    std::puts("cannot listen");
    return 1;
  }
  std::thread listens([&] { server.listen_after_bind(); });
  const int status = client.visit(static_cast<std::uint16_t>(port), "/work",
                                  TEXT(SERVER) ", cpp-httplib " CPPHTTPLIB_VERSION);
  server.stop();
  listens.join();
  return status;
}
