// A route without a handler, for the tests of finding one.
#pragma once

#include <string>
#include <utility>

#include "hangup/http/route.h"

namespace hangup::http {

inline route to(std::string method, std::string path) {
  return {.method = std::move(method), .path = std::move(path)};
}

}  // namespace hangup::http
