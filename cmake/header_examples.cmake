# The examples in the comments that open our headers, as code that is compiled with everything else:
#
#   hangup_header_examples(name LIBRARY lib SOURCE file.cpp HEADERS include/hangup/context/select.h ...)
#
# Lines that begin with "//   ", but for the points of a list, become include/hangup/context/select.h.example, which
# the source includes in a function that declares the names that the example uses; those behind #pragma once become
# select.h.inner.example. select.h.includes has the #include lines of the example alone. That each example is there is
# checked by tests/docs/code_blocks.py.
function(hangup_header_examples name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LIBRARY" "SOURCE;HEADERS")
  set(to ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(made)
  foreach(header IN LISTS arg_HEADERS)
    get_filename_component(folder ${to}/${header} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    set(from ${PROJECT_SOURCE_DIR}/${header})
    add_custom_command(
      OUTPUT ${to}/${header}.example ${to}/${header}.inner.example ${to}/${header}.includes
      COMMAND sed -n -e "/^#pragma once/q" -e "/^\\/\\/   -/d" -e "s|^//   ||p" ${from} > ${to}/${header}.example
      COMMAND sed -n -e "1,/^#pragma once/d" -e "/^ *\\/\\/   -/d" -e "s|^ *//   ||p" ${from} > ${to}/${header}.inner.example
      COMMAND sed -n -e "/^#pragma once/q" -e "s|^//   #include|#include|p" ${from} > ${to}/${header}.includes
      DEPENDS ${from}
      VERBATIM)
    list(APPEND made ${to}/${header}.example ${to}/${header}.inner.example ${to}/${header}.includes)
  endforeach()
  add_library(${name} OBJECT ${arg_SOURCE} ${made})
  hangup_compile(${name})
  # Built several at once, a source is a header to GCC, which then warns of coroutines that use a lambda.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  target_include_directories(${name} PRIVATE ${to})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARY})
endfunction()
