// The one place where cpp-httplib is included. Debian ships it as a compiled library, and the
// layout of its classes depends on the macros that library was built with: without them this must
// not compile, because it would crash. Link hangup::http and they come along.
#pragma once

#if defined(HANGUP_HTTPLIB_COMPILED) &&                                           \
    (!defined(CPPHTTPLIB_OPENSSL_SUPPORT) || !defined(CPPHTTPLIB_ZLIB_SUPPORT) || \
     !defined(CPPHTTPLIB_BROTLI_SUPPORT))
#error "the compiled cpp-httplib needs the definitions of its pkg-config file: link hangup::http"
#endif

#include <httplib.h>
