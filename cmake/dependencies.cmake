# The distribution's package first, else the source at a pinned commit. A git commit id is version
# and hash in one. Nothing is vendored.
include(${CMAKE_CURRENT_LIST_DIR}/fetch.cmake)

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

find_package(ZLIB QUIET)
if(HANGUP_TLS)
  find_package(OpenSSL QUIET)
endif()
if(HANGUP_HTTPLIB)
  include(${CMAKE_CURRENT_LIST_DIR}/cpp_httplib.cmake)
  if(NOT TARGET hangup::httplib AND NOT PROJECT_IS_TOP_LEVEL)
    hangup_unusable(httplib no_cpp_httplib_was_found "name its target in HANGUP_HTTPLIB_TARGET, or install it (libcpp-httplib-dev)")
  endif()
endif()

if(NOT HANGUP_SERVER AND NOT HANGUP_TESTS AND NOT HANGUP_BENCH)
  return()  # the libraries need none of what follows
endif()
find_package(nlohmann_json 3.10 QUIET)
if(NOT nlohmann_json_FOUND)
  hangup_fetch(nlohmann_json https://github.com/nlohmann/json.git
               9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03) # v3.11.3
endif()

if(HANGUP_SERVER)
  find_package(PkgConfig REQUIRED)
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
