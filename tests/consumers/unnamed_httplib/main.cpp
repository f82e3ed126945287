#include "hangup/http/watched.h"

int main() {
  hangup::http::watched<httplib::Server> server;
  return server.is_valid() ? 0 : 1;
}
