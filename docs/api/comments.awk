# Input filter of Doxygen: the headers' plain comments, as Doxygen's own. The headers are written for
# people who read them in an editor, so they have no markup; here
#   - a comment in front of a declaration becomes "///", one behind it "/**< */",
#   - the comment that opens a header becomes the description of that file,
#   - a class without a comment of its own refers to the description of its file,
#   - in a comment, lines that are indented by three spaces are an example, but for lists,
#   - what Doxygen would take for a command, a tag or a link is escaped, except between backticks.
# Code is left as it is, except that specializations of templates of std are taken out: Doxygen does
# not find the scope that they are in.

function escaped(text,    parts, count, i, out) {
  count = split(text, parts, "`")
  for (i = 1; i <= count; ++i) {
    if (i % 2 == 1) {
      gsub(/[\\@<>#%$]/, "\\\\&", parts[i])
    }
    out = out (i > 1 ? "`" : "") parts[i]
  }
  gsub(/e\.g\. /, "e.g.\\ ", out)  # no end of a sentence
  return out
}

function end_example() {
  if (in_example) {
    print indent "/// \\endcode"
  }
  in_example = 0
}

# The text of a whole-line comment, without its slashes.
function comment(text) {
  if (text ~ /^ +- /) {
    end_example()
    in_list = 1
  } else if (text !~ /^   /) {
    in_list = 0
  }
  if (text ~ /^   / && !in_list) {
    if (!in_example) {
      print indent "/// \\code{.cpp}"
    }
    in_example = 1
    print indent "///" text
    return
  }
  if (text !~ /^ *$/) {  # an empty line may stand within an example
    end_example()
  }
  print indent "///" (in_example ? text : escaped(text))
}

/^template <.*>$/ {
  held = held $0 "\n"
  next
}

/^(class|struct) .*{/ && !described && !/^struct std::/ {
  parts = split(FILENAME, path, "/")
  print "/// Described on the page of " path[parts - 1] "/" path[parts] "."
}

held != "" {
  $0 = /^struct std::/ ? "" : held $0
  held = ""
}

{
  described = /^ *\/\//
}

{
  at = match($0, /(^| )\/\/( |$)/)  # not that of a URL
  at += substr($0, at, 1) == " " && at > 0 ? 1 : 0
  before = substr($0, 1, at - 1)
  text = substr($0, at + 2)
}

at == 0 || text ~ /^ NOLINT/ {
  end_example()
  opened = behind = in_list = 0
  print
  next
}

before ~ /^ *$/ && !(behind && at == behind) {
  indent = before
  if (NR == 1) {
    print "/// \\file"
  }
  comment(text)
  next
}

# Behind code, or the next line of such a comment. What closes a namespace says nothing new.
{
  end_example()
  behind = at
  print before ~ /^ *}/ ? $0 : before "/**<" escaped(text) " */"
}
