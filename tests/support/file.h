// Reads files for tests.
#pragma once

#include <fstream>
#include <iterator>
#include <string>

namespace hangup::test {

// All of a file; "" if it cannot be read.
inline std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace hangup::test
