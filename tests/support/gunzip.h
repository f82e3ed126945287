// Unpacks gzip for tests, with zlib.
#pragma once

#include <string>

namespace hangup::test {

// Fails the test unless this is one whole member of gzip with nothing behind it.
std::string gunzip(std::string packed);

}  // namespace hangup::test
