# What `cmake --install` puts in place: headers, libraries, hangupConfig.cmake, pkg-config files, and the program if
# it was built. Static and shared libraries may be installed one after the other into one prefix.
include(CMakePackageConfigHelpers)

set(hangup_flavour static)
if(HANGUP_SHARED)
  set(hangup_flavour shared)
endif()
set(hangup_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hangup)
set(hangup_made ${PROJECT_BINARY_DIR}/installed)

# The public headers, without those of what is left out.
set(left_out)
if(NOT HANGUP_HTTP)
  set(left_out REGEX "include/hangup/http" EXCLUDE)
endif()
install(DIRECTORY include/hangup DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.h" ${left_out})

# hangup_pkg_config(http TEXT "..." REQUIRES hangup-worker PRIVATE openssl LIBS ... PRIVATE_LIBS ... CFLAGS ...): what is
# private is needed by those who link static libraries.
function(hangup_pkg_config component)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TEXT" "REQUIRES;PRIVATE;LIBS;PRIVATE_LIBS;CFLAGS")
  if(NOT HANGUP_SHARED)
    list(APPEND arg_REQUIRES ${arg_PRIVATE})
    list(APPEND arg_LIBS ${arg_PRIVATE_LIBS})
    set(arg_PRIVATE)
    set(arg_PRIVATE_LIBS)
  endif()
  foreach(list IN ITEMS REQUIRES PRIVATE)
    list(JOIN arg_${list} ", " arg_${list})
  endforeach()
  foreach(list IN ITEMS LIBS PRIVATE_LIBS CFLAGS)
    list(JOIN arg_${list} " " arg_${list})
  endforeach()
  # A prefix may be moved, so the file says where things are seen from itself; one of the system stays, and
  # pkg-config knows its folders.
  set(prefix ${CMAKE_INSTALL_PREFIX})
  if(NOT prefix MATCHES "^/usr(/local)?$")
    cmake_path(RELATIVE_PATH prefix BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
    set(prefix \${pcfiledir}/${prefix})
  endif()
  file(WRITE ${hangup_made}/hangup-${component}.pc
"prefix=${prefix}
libdir=\${prefix}/${CMAKE_INSTALL_LIBDIR}
includedir=\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}

Name: hangup-${component}
Description: ${arg_TEXT}
Version: ${PROJECT_VERSION}
Requires: ${arg_REQUIRES}
Requires.private: ${arg_PRIVATE}
Cflags: -I\${includedir} ${arg_CFLAGS}
Libs: ${arg_LIBS}
Libs.private: ${arg_PRIVATE_LIBS}
")
  install(FILES ${hangup_made}/hangup-${component}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
          COMPONENT development)
endfunction()

# hangup_install(http ...): a library with its export, and a pkg-config file from the rest.
function(hangup_install component)
  install(TARGETS hangup_${component} EXPORT hangup-${component}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
          INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT hangup-${component} NAMESPACE hangup:: FILE hangup-${component}-${hangup_flavour}.cmake
          DESTINATION ${hangup_cmake_dir} COMPONENT development)
  hangup_pkg_config(${component} ${ARGN} LIBS -L\${libdir} -lhangup-${component})
endfunction()

hangup_install(context TEXT "Work that stops when nobody waits for it any more" PRIVATE_LIBS -pthread)
hangup_install(worker TEXT "Pools and loops for work that stops" REQUIRES hangup-context)
if(HANGUP_HTTP)
  set(needs zlib)
  if(HANGUP_TLS)
    list(APPEND needs openssl)
  endif()
  hangup_install(http TEXT "A server whose handlers hear the client leave" REQUIRES hangup-worker PRIVATE ${needs})
endif()
# The program brings its own cpp-httplib. With pkg-config that is the distribution's, which is compiled.
if(HANGUP_HTTPLIB)
  hangup_pkg_config(httplib TEXT "The same for servers of cpp-httplib" REQUIRES hangup-http cpp-httplib
                    CFLAGS -DHANGUP_HTTPLIB_COMPILED=1)
  install(FILES cmake/cpp_httplib.cmake cmake/check_httplib.cpp cmake/fetch.cmake DESTINATION ${hangup_cmake_dir} COMPONENT development)
endif()

configure_package_config_file(cmake/hangupConfig.cmake.in ${hangup_made}/hangupConfig.cmake
                              INSTALL_DESTINATION ${hangup_cmake_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${hangup_made}/hangupConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${hangup_made}/hangupConfig.cmake ${hangup_made}/hangupConfigVersion.cmake
        DESTINATION ${hangup_cmake_dir} COMPONENT development)
if(HANGUP_SERVER)
  install(TARGETS hangup RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endif()
