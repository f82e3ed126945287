// Compiled and linked while configuring, with the flags that everything else is compiled with:
// fails if the compiled cpp-httplib was built with other macros than its pkg-config file gives us.
#include <httplib.h>

#ifndef CPPHTTPLIB_OPENSSL_SUPPORT
#error "CPPHTTPLIB_OPENSSL_SUPPORT is missing: httplib::Request would have another size"
#endif
#ifndef CPPHTTPLIB_ZLIB_SUPPORT
#error "CPPHTTPLIB_ZLIB_SUPPORT is missing"
#endif
#ifndef CPPHTTPLIB_BROTLI_SUPPORT
#error "CPPHTTPLIB_BROTLI_SUPPORT is missing"
#endif

int main() {
  // Symbols that are in the library only if it was compiled with OpenSSL; never called.
  volatile bool never = false;
  if (never) {
    httplib::SSLServer tls("", "");
    httplib::SSLClient client("");
  }
  httplib::Server plain;
  return plain.is_valid() ? 0 : 1;
}
