#include "server/probe.h"

#include <chrono>

#include "http/httplib.h"
#include "server/schema.h"

namespace hangup::server {

std::string probe(const std::string& url) {
  const auto scheme = url.find("://");
  const auto path = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  httplib::Client client(url.substr(0, path));
  if (scheme == std::string::npos || !client.is_valid()) {
    return "found " + shown(url) + ", allowed a URL such as http://127.0.0.1:8080/readyz";
  }
  using namespace std::chrono_literals;
  client.set_connection_timeout(1s);
  client.set_read_timeout(2s);
  client.set_write_timeout(1s);
  client.enable_server_certificate_verification(false);
  const auto answer = client.Get(path == std::string::npos ? "/" : url.substr(path));
  if (!answer) {
    return url + ": " + httplib::to_string(answer.error());
  }
  return answer->status / 100 == 2 ? std::string() : url + ": " + std::to_string(answer->status);
}

}  // namespace hangup::server
