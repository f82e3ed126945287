# The blocks of C++ in Markdown pages, as code that is compiled with everything else:
#
#   hangup_page_examples(name LIBRARY lib SOURCE file.cpp PAGES docs/contexts.md ...)
#
# A block with the comment <!-- check: fragment=NAME --> before it becomes docs/contexts.md/NAME.functions and
# NAME.body (page_examples.awk), which the source includes where it has declared what the block uses. That each block
# is there is checked by tests/docs/code_blocks.py.
function(hangup_page_examples name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LIBRARY;SOURCE" "PAGES")
  set(to ${CMAKE_CURRENT_BINARY_DIR}/${name})
  set(all)
  foreach(page IN LISTS arg_PAGES)
    file(STRINGS ${PROJECT_SOURCE_DIR}/${page} named REGEX "^<!-- check: .*fragment=")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${page})
    set(made)
    foreach(block IN LISTS named)
      string(REGEX REPLACE ".*fragment=([A-Za-z0-9_]+).*" "\\1" block "${block}")
      list(APPEND made ${to}/${page}/${block}.functions ${to}/${page}/${block}.body)
    endforeach()
    file(MAKE_DIRECTORY ${to}/${page})
    add_custom_command(
      OUTPUT ${made}
      COMMAND awk -v to=${to}/${page} -f ${PROJECT_SOURCE_DIR}/cmake/page_examples.awk ${page}
      DEPENDS ${PROJECT_SOURCE_DIR}/${page} ${PROJECT_SOURCE_DIR}/cmake/page_examples.awk
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
      VERBATIM)
    list(APPEND all ${made})
  endforeach()
  add_library(${name} OBJECT ${arg_SOURCE} ${all})
  hangup_compile(${name})
  # A page shows what is there to be used; and each block is by itself.
  target_compile_options(${name} PRIVATE -Wno-unused-variable -Wno-unused-but-set-variable -Wno-unused-function
                                         -Wno-unused-parameter -Wno-shadow -Wno-return-type
                                         $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  target_include_directories(${name} PRIVATE ${to})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARY})
endfunction()
