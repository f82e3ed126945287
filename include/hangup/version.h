// The version of hangup, for a program that has to know. Before 1.0 every minor version may change
// names and signatures; a patch version changes neither.
//
//   #if HANGUP_VERSION_NUMBER >= 200   // 0.2.0 or newer
//
// This is the one place where the version is written: CMakeLists.txt reads it here.
#pragma once

#define HANGUP_VERSION_MAJOR 0
#define HANGUP_VERSION_MINOR 1
#define HANGUP_VERSION_PATCH 0

// 10000 * major + 100 * minor + patch.
#define HANGUP_VERSION_NUMBER \
  (HANGUP_VERSION_MAJOR * 10000 + HANGUP_VERSION_MINOR * 100 + HANGUP_VERSION_PATCH)

// As text: "0.1.0".
#define HANGUP_VERSION_TEXT_OF(x) #x
#define HANGUP_VERSION_TEXT(major, minor, patch) \
  HANGUP_VERSION_TEXT_OF(major) "." HANGUP_VERSION_TEXT_OF(minor) "." HANGUP_VERSION_TEXT_OF(patch)
#define HANGUP_VERSION \
  HANGUP_VERSION_TEXT(HANGUP_VERSION_MAJOR, HANGUP_VERSION_MINOR, HANGUP_VERSION_PATCH)

#pragma GCC visibility push(default)

namespace hangup {

// The version of the library that the program runs with, as text. It differs from HANGUP_VERSION,
// the version of the headers, if a shared library was renewed after the program was compiled.
[[nodiscard]] const char* version() noexcept;

}  // namespace hangup

#pragma GCC visibility pop
