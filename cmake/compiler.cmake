# How everything of ours is compiled. hangup_compile(target) is called once for each target.

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
  endif()
  find_program(CCACHE_PROGRAM ccache)
  if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # What it must be told to keep what is compiled with a precompiled header (of the tests).
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  endif()
endif()

function(hangup_compile target)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                       PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_features(${target} PUBLIC cxx_std_20)
  # What a `location` says is then the same wherever the source lies.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion -Wshadow
                         -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(HANGUP_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(HANGUP_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(HANGUP_SANITIZE)
    # Without vptr: it asks the kernel, through a pipe, whether memory can be read, and takes a
    # process that has no descriptor left (some tests are about that) for a broken object.
    # Without function: clang before 17 cannot compile coroutines with it.
    target_compile_options(${target} PUBLIC -fsanitize=${HANGUP_SANITIZE} -fno-sanitize=vptr
                                            $<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>
                                            -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${HANGUP_SANITIZE})
  endif()
endfunction()
