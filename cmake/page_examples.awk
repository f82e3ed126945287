# Takes the blocks of C++ out of a Markdown page that have a name:
#
#   <!-- check: fragment=NAME -->         awk -v to=FOLDER -f page_examples.awk PAGE
#   <!-- check: fragment=NAME lines -->   each statement of the block is in a scope of its own
#
# Each becomes two files: FOLDER/NAME.functions has its functions, classes and includes, and
# FOLDER/NAME.body the other lines, which stand in a function.
function ended() { close(functions); close(body); named = ""; in_block = 0 }

/^<!-- check: .*fragment=/ {
  named = $0
  sub(/.*fragment=/, "", named)
  sub(/[^A-Za-z0-9_].*/, "", named)
  by_line = /[ ]lines[ ]/
  next
}
/^```cpp$/ && named != "" {
  in_block = 1
  in_function = is_namespace = 0
  functions = to "/" named ".functions"
  body = to "/" named ".body"
  printf "" > functions
  printf "" > body
  print "#line " NR + 1 " \"" FILENAME "\"" > functions
  print "#line " NR + 1 " \"" FILENAME "\"" > body
  next
}
/^```$/ && in_block { ended(); next }
!in_block { if (!/^```/) named = ""; next }
{
  code = $0
  sub(/[ ]*\/\/.*$/, "", code)
  # The first line of a function or a class: `type name(` without a value, and no statement.
  if (!in_function && code ~ /^[A-Za-z]/) {
    in_function = code ~ /^(namespace|class|struct) .*\{$/ ||
                  (code ~ /^[A-Za-z_:<>]+ [a-z_]+\(/ && code !~ /[=;]/ && code !~ /^(return|co_return|throw|else) /)
  }
  if (code ~ /^namespace .*\{$/) is_namespace = 1
  is_include = code ~ /^#/
  print in_function || is_include ? $0 : "" > functions
  if (in_function || is_include) {
    print "" > body
  } else if (by_line && code != "") {
    print "{ " $0 > body
    print "}" > body
  } else {
    print $0 > body
  }
  if (in_function && code ~ /^\}/ && (!is_namespace || code == "}")) in_function = is_namespace = 0
}
