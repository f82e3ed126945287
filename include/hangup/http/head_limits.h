// The limits of the head of a request. The limits of everything else are in options.h.
#pragma once

#include <cstddef>

#pragma GCC visibility push(default)

namespace hangup::http {

struct head_limits {
  std::size_t bytes = 16 * 1024;  // the whole head, including the empty line: 431
  std::size_t headers = 100;      // the number of header lines: 431
  // One line, without its CRLF: 414 for the request line, 431 for a header. Like the others, it is
  // the largest value that is accepted.
  static constexpr std::size_t line = 8 * 1024;
  // Whether a body may have a Content-Encoding. Nobody decodes it: 415 otherwise.
  bool encoded_bodies = false;
};

}  // namespace hangup::http

#pragma GCC visibility pop
