# Runs packaging/vcpkg/hangup/portfile.cmake without vcpkg: the functions that it calls, as far as they concern what is
# built and where it is found. Dependencies are those of this machine, and there is no debug build.
#   cmake -DPORT_DIR=... -DPACKAGE=... -DBUILD=... -DLINKAGE=static -DFEATURES="http;tls" -DQUICK="-G;Ninja" -P vcpkg_stub.cmake
cmake_minimum_required(VERSION 3.25)
set(PORT hangup)
set(VCPKG_LIBRARY_LINKAGE ${LINKAGE})
set(CURRENT_PACKAGES_DIR ${PACKAGE})


function(must_run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "failed: ${ARGN}")
  endif()
endfunction()

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUT_FEATURE_OPTIONS" "FEATURES")
  set(options)
  while(arg_FEATURES)
    list(POP_FRONT arg_FEATURES feature option)
    set(value OFF)
    if(feature IN_LIST FEATURES)
      set(value ON)
    endif()
    list(APPEND options -D${option}=${value})
  endwhile()
  set(${arg_OUT_FEATURE_OPTIONS} ${options} PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  set(shared ON)
  if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
    set(shared OFF)
  endif()
  must_run(${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${BUILD} ${QUICK} -DBUILD_SHARED_LIBS=${shared}
           -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} -DCMAKE_INSTALL_LIBDIR=lib
           -DFETCHCONTENT_FULLY_DISCONNECTED=ON ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
  must_run(${CMAKE_COMMAND} --build ${BUILD} --target install)
endfunction()

# Moves the files of CMake to share/, and lets them find the prefix from there.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  set(from ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH})
  set(to ${CURRENT_PACKAGES_DIR}/share/${PORT})
  file(COPY ${from}/ DESTINATION ${to})
  file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/lib/cmake)
  file(GLOB files ${to}/*.cmake)
  foreach(path IN LISTS files)
    file(READ ${path} text)
    string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/../../../" "\${CMAKE_CURRENT_LIST_DIR}/../../" text "${text}")
    string(REGEX REPLACE "get_filename_component\\(_IMPORT_PREFIX \"\\\${CMAKE_CURRENT_LIST_FILE}\" PATH\\)(\nget_filename_component\\(_IMPORT_PREFIX \"\\\${_IMPORT_PREFIX}\" PATH\\))*"
           "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_FILE}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\nget_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)"
           text "${text}")
    file(WRITE ${path} "${text}")
  endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  file(READ ${arg_FILE_LIST} text)
  file(WRITE ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright "${text}")
endfunction()

include(${PORT_DIR}/portfile.cmake)

# What vcpkg's own check after a build asks for.
foreach(needed IN ITEMS include share/${PORT}/copyright share/${PORT}/hangupConfig.cmake share/${PORT}/usage)
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${needed})
    message(FATAL_ERROR "the port has not installed ${needed}")
  endif()
endforeach()
foreach(unwanted IN ITEMS lib/cmake debug/include debug/share bin)
  if(EXISTS ${CURRENT_PACKAGES_DIR}/${unwanted})
    message(FATAL_ERROR "the port has left ${unwanted}")
  endif()
endforeach()
