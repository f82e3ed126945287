// The only place that includes cpp-httplib. Debian ships it as a compiled library, and the layout
// of its classes depends on the macros that the library was built with. Without these macros a
// program would crash, so this header does not compile then. Linking hangup::http provides them.
#pragma once

#if !defined(HANGUP_HTTPLIB_COMPILED)
#error "link hangup::http, which says how cpp-httplib was compiled"
#endif
#if HANGUP_HTTPLIB_COMPILED &&                                                    \
    (!defined(CPPHTTPLIB_OPENSSL_SUPPORT) || !defined(CPPHTTPLIB_ZLIB_SUPPORT) || \
     !defined(CPPHTTPLIB_BROTLI_SUPPORT))
#error "the compiled cpp-httplib needs the definitions of its pkg-config file: link hangup::http"
#endif

#include <httplib.h>
