// The examples of the headers for cpp-httplib's own servers, compiled: see
// cmake/header_examples.cmake.
#include <chrono>
#include <string>
#include <system_error>

#include "hangup/context/wait.h"
#include "hangup/http/context_of.h"
#include "hangup/http/watched.h"

namespace header_examples {

using namespace std::chrono_literals;

void of_context_of(httplib::Server& server);
void of_context_of(httplib::Server& server) {
#include "include/hangup/http/context_of.h.example"
}

void of_watched();
void of_watched() {
#include "include/hangup/http/watched.h.example"
}

}  // namespace header_examples
