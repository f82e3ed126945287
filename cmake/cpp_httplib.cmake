# hangup::httplib: hangup::http and the program's own cpp-httplib, for handlers of cpp-httplib and for
# cpp-httplib's servers. hangup's compiled libraries contain nothing of cpp-httplib. It is taken from the
# first of these that there is:
#
#   1. the target that HANGUP_HTTPLIB_TARGET names (it may be made later)
#   2. a target httplib::httplib
#   3. the tag that HANGUP_HTTPLIB_VERSION names, fetched
#   4. find_package(httplib)
#   5. pkg-config's cpp-httplib, as Debian has it
#   6. for hangup's own tests only: a version that is known to work, fetched
#
# If there is none, hangup::httplib does not exist, and all the rest does. hangupConfig.cmake includes this too.
include(${CMAKE_CURRENT_LIST_DIR}/fetch.cmake)
set(HANGUP_HTTPLIB_TARGET "" CACHE STRING "The target of the cpp-httplib that is to be used")
set(HANGUP_HTTPLIB_VERSION "" CACHE STRING "A tag of cpp-httplib to be fetched, whatever the distribution has")

# A header that is compiled into each source is an interface library; what is linked is not.
function(hangup_use_httplib target)
  add_library(hangup_httplib INTERFACE)
  add_library(hangup::httplib ALIAS hangup_httplib)
  target_link_libraries(hangup_httplib INTERFACE hangup::http ${target} Threads::Threads ${ARGN})
  set(compiled $<NOT:$<STREQUAL:$<TARGET_PROPERTY:${target},TYPE>,INTERFACE_LIBRARY>>)
  if(HANGUP_HTTPLIB_IS_COMPILED)
    set(compiled 1)
  elseif(TARGET ${target})
    get_target_property(type ${target} TYPE)
    string(COMPARE NOTEQUAL "${type}" INTERFACE_LIBRARY compiled)
  endif()
  target_compile_definitions(hangup_httplib INTERFACE HANGUP_HTTPLIB_COMPILED=${compiled})
  # One that is found must not be compiled with the header of another, which lies in the sources of the program.
  if(HANGUP_HTTPLIB_FOUND_VERSION)
    target_compile_definitions(hangup_httplib INTERFACE HANGUP_HTTPLIB_FOUND_VERSION="${HANGUP_HTTPLIB_FOUND_VERSION}")
  endif()
  if(NOT hangup_FIND_QUIETLY)
    message(STATUS "hangup::httplib uses the cpp-httplib of ${target} ${HANGUP_HTTPLIB_FOUND_VERSION}")
  endif()
endfunction()

# Debian ships it compiled, and the layout of its classes depends on the macros it was compiled with: they
# must come from its pkg-config file. check_httplib.cpp is compiled and linked with exactly these flags and
# fails if the header and the library disagree.
macro(hangup_check_httplib)
  if(NOT DEFINED HANGUP_HTTPLIB_AGREES)
    try_compile(HANGUP_HTTPLIB_AGREES ${CMAKE_BINARY_DIR}/check_httplib
                SOURCES ${CMAKE_CURRENT_LIST_DIR}/check_httplib.cpp
                COMPILE_DEFINITIONS ${CPP_HTTPLIB_CFLAGS_OTHER}
                LINK_LIBRARIES PkgConfig::CPP_HTTPLIB OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
                               PkgConfig::BROTLI Threads::Threads
                CXX_STANDARD 20
                OUTPUT_VARIABLE HANGUP_HTTPLIB_WHY)
  endif()
  if(NOT HANGUP_HTTPLIB_AGREES)
    unset(HANGUP_HTTPLIB_AGREES CACHE)
    message(WARNING "cpp-httplib ${CPP_HTTPLIB_VERSION} of pkg-config is not used: its flags "
                    "(${CPP_HTTPLIB_CFLAGS_OTHER}) do not fit the compiled library: with them the "
                    "classes would have another layout than in the library.\n${HANGUP_HTTPLIB_WHY}")
    set(CPP_HTTPLIB_FOUND FALSE)
  endif()
endmacro()

if(HANGUP_HTTPLIB_TARGET)
  hangup_use_httplib(${HANGUP_HTTPLIB_TARGET})
  return()
endif()
if(NOT TARGET httplib::httplib AND HANGUP_HTTPLIB_VERSION)
  set(HTTPLIB_COMPILE OFF)
  hangup_fetch(httplib https://github.com/yhirose/cpp-httplib.git ${HANGUP_HTTPLIB_VERSION})
endif()
if(NOT TARGET httplib::httplib)
  find_package(httplib CONFIG QUIET GLOBAL)
endif()
if(TARGET httplib::httplib)
  hangup_use_httplib(httplib::httplib)
  return()
endif()

find_package(PkgConfig QUIET)
if(PkgConfig_FOUND)
  pkg_check_modules(CPP_HTTPLIB QUIET IMPORTED_TARGET GLOBAL cpp-httplib)
endif()
if(CPP_HTTPLIB_FOUND)
  find_package(OpenSSL QUIET)
  find_package(ZLIB QUIET)
  pkg_check_modules(BROTLI QUIET IMPORTED_TARGET GLOBAL libbrotlienc libbrotlidec libbrotlicommon)
  if(OpenSSL_FOUND AND ZLIB_FOUND AND BROTLI_FOUND)
    hangup_check_httplib()
  else()
    message(STATUS "cpp-httplib of pkg-config is not used: it needs the development files of OpenSSL, zlib and brotli")
    set(CPP_HTTPLIB_FOUND FALSE)
  endif()
endif()
if(CPP_HTTPLIB_FOUND)
  set(HANGUP_HTTPLIB_FOUND_VERSION ${CPP_HTTPLIB_VERSION})
  set(HANGUP_HTTPLIB_IS_COMPILED TRUE) # an imported target of pkg-config does not say so
  hangup_use_httplib(PkgConfig::CPP_HTTPLIB OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB PkgConfig::BROTLI)
elseif(HANGUP_TESTS OR HANGUP_FUZZ OR HANGUP_BENCH)
  set(HTTPLIB_COMPILE OFF)
  hangup_fetch(httplib https://github.com/yhirose/cpp-httplib.git
               5814e121dfb5049f72a5c3956c3c8961b40da78b) # v0.18.7
  hangup_use_httplib(httplib::httplib)
else()
  message(STATUS "hangup::httplib is left out: no cpp-httplib has been found (HANGUP_HTTPLIB_TARGET, HANGUP_HTTPLIB_VERSION)")
endif()
