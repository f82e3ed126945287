# The libraries that others use: hangup::context, hangup::worker, hangup::http. Each is a component of
# find_package(hangup).
#
#   hangup_library(context SOURCES cause.cpp ...)      hangup_context, and its other name hangup::context
#
# What they need and do not find, a project around this one is told when it links the library, not before.

# Programs that were linked with one minor version do not run with another, before 1.0.
set(hangup_soversion ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(hangup_soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endif()

function(hangup_library component)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  set(name hangup_${component})
  set(type STATIC)
  if(HANGUP_SHARED)
    set(type SHARED)
  endif()
  add_library(${name} ${type} ${arg_SOURCES})
  add_library(hangup::${component} ALIAS ${name})
  hangup_compile(${name})
  # What is not said to be visible in a public header is hidden. A static library may become a part of
  # somebody's shared one.
  set_target_properties(${name} PROPERTIES
    OUTPUT_NAME hangup-${component} EXPORT_NAME ${component}
    POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden DEFINE_SYMBOL ""
    VERSION ${PROJECT_VERSION} SOVERSION ${hangup_soversion})
  if(HANGUP_SHARED)
    # Templates of the standard library that were compiled for it are nobody else's.
    set(symbols ${PROJECT_SOURCE_DIR}/cmake/symbols.map)
    target_link_options(${name} PRIVATE LINKER:--version-script=${symbols}
                        $<$<NOT:$<BOOL:${HANGUP_SANITIZE}>>:LINKER:--no-undefined>)
    # They find each other in the folder that they are in.
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${symbols} INSTALL_RPATH "$ORIGIN")
  endif()
  if(NOT PROJECT_IS_TOP_LEVEL)
    # Warnings of our headers are not theirs, and files that are compiled together were chosen by us.
    set_target_properties(${name} PROPERTIES SYSTEM ON UNITY_BUILD_BATCH_SIZE 6)
  endif()
endfunction()

# hangup_unusable(http openssl_is_missing "what to do"): the library cannot be built. As a part of another project
# that is no error until somebody links it; the name of what CMake does not find then says why.
function(hangup_unusable component why text)
  if(PROJECT_IS_TOP_LEVEL)
    message(FATAL_ERROR "hangup::${component} cannot be built: ${text}")
  endif()
  message(STATUS "hangup::${component} cannot be used: ${text}")
  add_library(hangup_${component} INTERFACE)
  add_library(hangup::${component} ALIAS hangup_${component})
  target_link_libraries(hangup_${component} INTERFACE hangup::${component}_cannot_be_used::${why})
endfunction()
