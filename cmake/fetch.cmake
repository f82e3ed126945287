# Sources of others, at a pinned commit, where there is no package.
include(FetchContent)

function(hangup_fetch name repository commit)
  message(STATUS "${name}: no package found, fetching ${repository} at ${commit}")
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${commit} SYSTEM)
  FetchContent_MakeAvailable(${name})
endfunction()
