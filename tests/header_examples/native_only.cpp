// A program of native handlers needs no cpp-httplib.
#include "hangup/http/server.h"

#if defined(CPPHTTPLIB_VERSION)
#error "the native headers include cpp-httplib"
#endif

namespace hangup::header_examples {

void native_only(http::server& server);
void native_only(http::server& server) {
  server.handle({.method = "GET",
                 .path = "/",
                 .answer = [](const context&, const http::request&, http::reply& res) {
                   res.body("text/plain", "yes\n");
                 }});
}

}  // namespace hangup::header_examples
