# Puts a text file into a target, as a function that returns it:
#
#   include(embed)
#   hangup_embed(hangup_server ${PROJECT_SOURCE_DIR}/config/server.schema.json
#                hangup::server schema_text)
#
# gives the target `std::string_view hangup::server::schema_text() noexcept`, to be declared in a
# header. The source is generated at build time, and again when the file changes. Call it in the
# directory that made the target. The same file is the script that the build runs (cmake -P).

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  file(READ ${input} text)
  string(LENGTH "${text}" size)
  # What every C++ compiler must take; clang warns beyond it.
  if(size GREATER 65535)
    message(FATAL_ERROR "${input}: ${size} characters do not fit into one string literal")
  endif()
  if(text MATCHES "\\)embedded\"")
    message(FATAL_ERROR "${input}: contains the delimiter of the string literal, )embedded\"")
  endif()
  get_filename_component(file ${input} NAME)
  file(WRITE ${output} "// Made of ${file} by cmake/embed.cmake: do not edit.
#include <string_view>

namespace ${namespace} {
std::string_view ${function}() noexcept;

std::string_view ${function}() noexcept { return R\"embedded(${text})embedded\"; }
}  // namespace ${namespace}
")
  return()
endif()

set(hangup_embed_script ${CMAKE_CURRENT_LIST_FILE})

function(hangup_embed target input namespace function)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -Dinput=${input} -Doutput=${output} -Dnamespace=${namespace}
            -Dfunction=${function} -P ${hangup_embed_script}
    DEPENDS ${input} ${hangup_embed_script}
    COMMENT "Embedding ${input}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
