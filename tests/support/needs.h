// What a test needs of the machine besides what is built. A test that lacks something is skipped,
// with one line that says what is missing and how to get it. Where the environment has CI it fails
// instead. In both cases it ends at once:
//
//   TEST(a_client, is_found) {
//     needs({root(), program("ip"), program("nft")});
//     ...
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace hangup::test {

struct need {
  // "needs " something, and how to get it, in a few words; empty if it is there. By this word
  // cmake/skipped_tests.cmake knows the reason.
  std::string missing{};
  bool in_every_ci = true;  // false: a machine for CI may lack it
};

// The full path of a program: looked for in $PATH, and in the sbin folders, which the PATH of a
// user who is not root lacks on Debian. Empty if there is none. Starts no shell.
std::string find_program(std::string_view name);

need program(std::string_view name);
need root();
// May ip(8) make network namespaces? Only root may.
need network_namespace();
// May a process mount in a namespace of its own?
need mount_namespace();
// Puts this process, which must have one thread, into such a namespace. False: that is forbidden.
bool enter_own_mounts();
// Has the loopback interface ::1?
need ipv6();
// That this is not built with a sanitizer, or with TSan; `why` says what that sanitizer has or
// does. Skips in CI as well.
need no_sanitizer(std::string_view why);
need no_thread_sanitizer(std::string_view why);

// Ends the running test unless all of these are there. For the thread of the test only: in its
// body, in SetUp(), in the constructor of its fixture, or in what these call.
void needs(std::initializer_list<need> all);

}  // namespace hangup::test
