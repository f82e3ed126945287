// hangup's own server: the handler hears that its client has left. An exception of the library's is
// caught here as what it is.
#include <cstdio>
#include <string>

#include "hangup/context/error.h"
#include "hangup/http/server.h"
#include "hangup/http/tls.h"
#include "hangup/worker/pool.h"
#include "leaving_client.h"

namespace http = hangup::http;

int main() {
  try {
    const http::tls_identity none("/nonexistent/certificate", "/nonexistent/key");
    std::puts("native: a certificate that does not exist was taken");
    return 1;
  } catch (const http::tls_error&) {
    // With TLS and without, that is what is thrown.
  }
  leaving_client client;
  hangup::pool pool({.name = "work", .workers = 2, .queue = 4});
  http::server server;
  server.handle({.method = "GET",
                 .path = "/work",
                 .runs_on = &pool,
                 .answer = [&](const hangup::context& ctx, const http::request&, http::reply& res) {
                   client.work(ctx);
                   res.body("text/plain", "done\n");
                 }});
  if (const auto ec = server.start("127.0.0.1", 0)) {
    std::printf("native: cannot listen: %s\n", ec.message().c_str());
    return 1;
  }
  return client.visit(static_cast<std::uint16_t>(server.port()), "/work", "native");
}
