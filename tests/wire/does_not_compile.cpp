// Compiled by tests: with any of these macros it must fail, and without one it must not. See
// tests/CMakeLists.txt.
#include "hangup/http/hosted.h"
#include "hangup/http/watched.h"

void cannot(hangup::http::hosted<httplib::Server>& hosted, hangup::http::watched<>& watched);
void cannot(hangup::http::hosted<httplib::Server>& hosted, hangup::http::watched<>& watched) {
  hosted.set_hosted_options({.workers = 4});
  watched.new_task_queue = [] { return new httplib::ThreadPool(4); };
#if defined(USE_new_task_queue)
  hosted.new_task_queue = [] { return nullptr; };
#elif defined(USE_WebSocket)
  hosted.WebSocket("/", [] {});
#elif defined(USE_hosted_tls)
  hangup::http::hosted<httplib::SSLServer> with_tls("certificate.pem", "key.pem");
#elif defined(USE_watched_tls)
  hangup::http::watched<httplib::SSLServer> with_tls("certificate.pem", "key.pem");
#elif defined(USE_own_tls)
  struct own : httplib::SSLServer {
    using SSLServer::SSLServer;
  };
  hangup::http::watched<own> with_tls("certificate.pem", "key.pem");
#elif defined(USE_client)
  hangup::http::watched<httplib::Client> no_server("localhost");
#endif
}
