// Compiled by a test: it must fail. See tests/CMakeLists.txt.
#include "hangup/http/hosted.h"

void cannot(hangup::http::hosted<httplib::Server>& server);
void cannot(hangup::http::hosted<httplib::Server>& server) {
#if defined(USE_new_task_queue)
  server.new_task_queue = [] { return nullptr; };
#elif defined(USE_WebSocket)
  server.WebSocket("/", [] {});
#endif
}
