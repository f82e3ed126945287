# The distribution's package first, else the source at a pinned commit. A git commit id is version
# and hash in one. Nothing is vendored.
include(FetchContent)

function(hangup_fetch name repository commit)
  message(STATUS "${name}: no package found, fetching ${repository} at ${commit}")
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${commit} SYSTEM)
  FetchContent_MakeAvailable(${name})
endfunction()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(HANGUP_TESTS)
  find_package(GTest 1.12 QUIET)
  if(NOT GTest_FOUND)
    hangup_fetch(googletest https://github.com/google/googletest.git
                 f8d7d77c06936315286eb55f8de22cd23c188571) # v1.14.0
  endif()
endif()

if(NOT HANGUP_HTTP)
  return()
endif()
find_package(PkgConfig REQUIRED)

# cpp-httplib. Debian ships it compiled, and the layout of its classes depends on the macros it was
# compiled with: they must come from its pkg-config file. check_httplib.cpp is compiled and linked
# with exactly these flags and fails if the header and the library disagree.
set(HANGUP_HTTPLIB_VERSION "" CACHE STRING "A tag of cpp-httplib to be fetched, whatever the distribution has")
if(NOT HANGUP_HTTPLIB_VERSION)
  pkg_check_modules(CPP_HTTPLIB QUIET IMPORTED_TARGET cpp-httplib)
endif()
if(CPP_HTTPLIB_FOUND)
  find_package(OpenSSL REQUIRED)
  find_package(ZLIB REQUIRED)
  pkg_check_modules(BROTLI REQUIRED IMPORTED_TARGET libbrotlienc libbrotlidec libbrotlicommon)
  add_library(hangup_httplib INTERFACE)
  target_link_libraries(hangup_httplib INTERFACE PkgConfig::CPP_HTTPLIB OpenSSL::SSL OpenSSL::Crypto
                                                 ZLIB::ZLIB PkgConfig::BROTLI Threads::Threads)
  target_compile_definitions(hangup_httplib INTERFACE HANGUP_HTTPLIB_COMPILED=1)
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
    message(FATAL_ERROR "cpp-httplib ${CPP_HTTPLIB_VERSION}: the flags of its pkg-config file "
                        "(${CPP_HTTPLIB_CFLAGS_OTHER}) do not fit the compiled library: with them the "
                        "classes would have another layout than in the library.\n${HANGUP_HTTPLIB_WHY}")
  endif()
else()
  set(HTTPLIB_COMPILE OFF)
  if(HANGUP_HTTPLIB_VERSION)
    hangup_fetch(httplib https://github.com/yhirose/cpp-httplib.git ${HANGUP_HTTPLIB_VERSION})
  else()
    hangup_fetch(httplib https://github.com/yhirose/cpp-httplib.git
                 5814e121dfb5049f72a5c3956c3c8961b40da78b) # v0.18.7
  endif()
  add_library(hangup_httplib INTERFACE)
  target_link_libraries(hangup_httplib INTERFACE httplib::httplib Threads::Threads)
  target_compile_definitions(hangup_httplib INTERFACE HANGUP_HTTPLIB_COMPILED=0)
endif()

find_package(nlohmann_json 3.10 QUIET)
if(NOT nlohmann_json_FOUND)
  hangup_fetch(nlohmann_json https://github.com/nlohmann/json.git
               9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03) # v3.11.3
endif()

if(HANGUP_SERVER)
  find_package(spdlog 1.10 QUIET)
  if(NOT spdlog_FOUND)
    hangup_fetch(spdlog https://github.com/gabime/spdlog.git
                 76fb40d95455f249bd70824ecfcae7a8f0930fa3) # v1.10.0
  endif()

  find_package(CLI11 2.1 QUIET)
  if(NOT CLI11_FOUND)
    hangup_fetch(CLI11 https://github.com/CLIUtils/CLI11.git
                 6c7b07a878ad834957b98d0f9ce1dbe0cb204fc9) # v2.4.2
  endif()

  find_package(prometheus-cpp CONFIG QUIET)
  if(NOT prometheus-cpp_FOUND)
    set(ENABLE_PUSH OFF CACHE BOOL "" FORCE)
    set(ENABLE_PULL OFF CACHE BOOL "" FORCE)
    set(ENABLE_TESTING OFF CACHE BOOL "" FORCE)
    hangup_fetch(prometheus-cpp https://github.com/jupp0r/prometheus-cpp.git
                 ad99e21f4706193670c42b36c9824dc997f4c475) # v1.2.4
  endif()

  pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.37)
  pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq)  # no sensible way to build it from source
  find_package(CURL 7.85 REQUIRED) # a package or nothing, as OpenSSL; 7.85: allowed protocols by name

  pkg_check_modules(RE2 QUIET IMPORTED_TARGET re2)
  if(RE2_FOUND)
    # For Windows only; with it a precompiled header of the tests would not fit all who share it.
    get_target_property(hangup_re2_options PkgConfig::RE2 INTERFACE_COMPILE_OPTIONS)
    if(hangup_re2_options)
      list(REMOVE_ITEM hangup_re2_options -DNOMINMAX)
      set_target_properties(PkgConfig::RE2 PROPERTIES INTERFACE_COMPILE_OPTIONS "${hangup_re2_options}")
    endif()
    add_library(hangup_re2 INTERFACE)
    target_link_libraries(hangup_re2 INTERFACE PkgConfig::RE2)
  else()
    set(RE2_BUILD_TESTING OFF CACHE BOOL "" FORCE)
    hangup_fetch(re2 https://github.com/google/re2.git
                 3a8436ac436124a57a4e22d5c8713a2d42b381d7) # 2023-03-01, the last without Abseil
    add_library(hangup_re2 INTERFACE)
    target_link_libraries(hangup_re2 INTERFACE re2::re2)
  endif()
endif()
