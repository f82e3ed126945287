// Start-up: what the operator is told when the root cannot be searched.
#include "handlers/search/search_root.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>

#include "tests/unit/handlers/search/search_support.h"

namespace hangup::search {
namespace {

std::string why_not(const std::string& directory) {
  try {
    const root opened(directory);
  } catch (const root_error& e) {
    return e.what();
  }
  return "opened";
}

TEST(search_root, a_directory_is_opened_and_what_is_none_is_named_in_one_line) {
  const temp_tree tree;
  tree.write("file", "");
  EXPECT_EQ(why_not(tree.path()), "opened");
  EXPECT_EQ(why_not(tree.path("missing")),
            "search root " + tree.path("missing") + ": No such file or directory");
  EXPECT_EQ(why_not(tree.path("file")), "search root " + tree.path("file") + ": Not a directory");
  EXPECT_EQ(why_not(""), "search root : No such file or directory");
}

TEST(search_root, it_is_the_directory_that_was_opened_whatever_its_path_becomes) {
  const temp_tree tree;
  tree.write("a/f", "x");
  const root files(tree.path("a"));
  std::filesystem::rename(tree.path("a"), tree.path("b"));
  opened_path found;
  auto keeping = files.rules_now();
  EXPECT_FALSE(files.open_beneath("f", keeping, found));
  EXPECT_FALSE(found.is_directory);
  EXPECT_EQ(files.directory(), tree.path("a"));
}

TEST(search_root, a_kernel_without_openat2_is_said_so) {
  const temp_tree tree;
  const auto without_openat2 = [&] {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter = {4, program};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
      ::_exit(2);
    }
    const bool said =
        why_not(tree.path()).find("openat2(2), Linux 5.6: Function not") != std::string::npos;
    ::_exit(said ? 0 : 1);
  };
  EXPECT_EXIT(without_openat2(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace hangup::search
