// What no search reads: the server's own files, what is mounted below the root, the kernel's.
#include "handlers/search/own_files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/support/needs.h"
#include "tests/unit/handlers/search/search_support.h"

namespace hangup::search {
namespace {

struct outcome {
  strings found;
  skip_counts skipped;
};

outcome searched(const root& files, const std::string& path = ".") {
  memory_sink out;
  const auto r = run(background(), files, {.pattern = "x", .path = path}, out);
  EXPECT_FALSE(r.error) << r.reason;
  return {out.sorted(), r.sum.skipped};
}

root without(const temp_tree& tree, const strings& names) {
  strings paths;
  for (const auto& name : names) {
    paths.push_back(tree.path(name));
  }
  return root(tree.path(), {.own = own_files(paths)});
}

TEST(own_files, are_left_out_and_counted_under_any_name) {
  const temp_tree tree;
  tree.write("conf/server.json", "x");
  tree.write("f", "x");
  std::filesystem::create_hard_link(tree.path("conf/server.json"), tree.path("other-name"));
  std::filesystem::create_symlink("conf/server.json", tree.path("link"));
  const auto files = without(tree, {"conf/server.json", "not-there"});
  const auto all = searched(files);
  EXPECT_EQ(all.found, (strings{"f:1:x"}));
  EXPECT_EQ(all.skipped.kept_out, 2U);
  for (const char* path : {"conf/server.json", "other-name", "link"}) {
    memory_sink out;
    const auto r = run(background(), files, {.pattern = "x", .path = path}, out);
    EXPECT_EQ(r.error, errc::kept_out) << path;
    EXPECT_EQ(r.reason, r.error.message());
  }
}

TEST(own_files, a_file_that_takes_the_place_of_one_is_left_out_and_so_is_the_one_before) {
  const temp_tree tree;
  tree.write("server.json", "x old");
  const auto files = without(tree, {"server.json", "late.db"});
  std::filesystem::rename(tree.path("server.json"), tree.path("server.json~"));
  tree.write("new", "x new");
  std::filesystem::rename(tree.path("new"), tree.path("server.json"));
  tree.write("late.db", "x");
  EXPECT_EQ(searched(files).found, strings());
  EXPECT_EQ(searched(files).skipped.kept_out, 3U);
}

TEST(own_files, one_that_is_replaced_in_the_middle_of_a_search_is_left_out_as_well) {
  const temp_tree tree;
  tree.write("a/f", "x");
  tree.write("server.json", "y old");
  const auto files = without(tree, {"server.json"});
  prepared job;
  std::string reason;
  ASSERT_FALSE(prepare(files, {.pattern = "x"}, job, reason));
  tree.write("new", "x new");
  std::filesystem::rename(tree.path("new"), tree.path("server.json"));
  memory_sink out;
  summary sum;
  EXPECT_FALSE(scan(background(), std::move(job), out, sum));
  EXPECT_EQ(out.sorted(), (strings{"a/f:1:x"}));
  EXPECT_EQ(sum.skipped.kept_out, 1U);
}

TEST(own_files, those_below_a_directory_are_named) {
  const temp_tree tree;
  tree.write("a/b/key.pem", "");
  tree.write("ab/key.pem", "");
  tree.write("secret", "");
  std::filesystem::create_symlink(tree.path("a/b/key.pem"), tree.path("link.pem"));
  const own_files own({tree.path("a/b/key.pem"), tree.path("ab/key.pem"), tree.path("link.pem"),
                       tree.path("a/missing")});
  EXPECT_EQ(own.below(tree.path("a")), (strings{tree.path("a/b/key.pem"), tree.path("link.pem")}));
  EXPECT_EQ(own.below(tree.path("a/")).size(), 2U);
  EXPECT_EQ(own.below("/").size(), 3U);
  EXPECT_EQ(own.below(tree.path("secret")).size(), 0U);
}

TEST(search_root, of_the_kernel_is_refused) {
  for (const char* directory : {"/proc", "/proc/self", "/sys"}) {
    EXPECT_THROW(root{directory}, root_error) << directory;
  }
}

// Runs in a child that has mounts of its own, and says whether it holds.
bool in_mounts_of_its_own(const std::function<bool()>& holds) {
  const auto child = ::fork();
  if (child == 0) {
    ::_exit(test::enter_own_mounts() && holds() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return status == 0;
}

bool mounted(const std::string& what, const std::string& where) {
  return ::mount(what.c_str(), where.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

TEST(search_mounts, are_not_crossed_unless_that_is_asked_for_and_never_into_the_kernel) {
  test::needs({test::mount_namespace()});
  const temp_tree tree;
  tree.write("elsewhere/f", "x");  // of the same device: only the mount tells
  tree.write("root/f", "x");
  tree.write("root/folder/here", "");
  tree.write("root/file", "");
  std::filesystem::create_directory(tree.path("root/proc"));
  const bool held = in_mounts_of_its_own([&] {
    if (!mounted(tree.path("elsewhere"), tree.path("root/folder")) ||
        !mounted(tree.path("elsewhere/f"), tree.path("root/file")) ||
        !mounted("/proc/self/net", tree.path("root/proc"))) {
      ::_exit(77);
    }
    const root closed(tree.path("root"));
    const auto inside = searched(closed);
    EXPECT_EQ(inside.found, (strings{"f:1:x"}));
    EXPECT_EQ(inside.skipped.mount, 3U);
    for (const char* path : {"folder", "folder/f", "file", "proc"}) {
      memory_sink out;
      EXPECT_EQ(run(background(), closed, {.pattern = "x", .path = path}, out).error,
                errc::outside_root)
          << path;
    }
    const root open(tree.path("root"), {.cross_mounts = true});
    const auto across = searched(open);
    EXPECT_EQ(across.found, (strings{"f:1:x", "file:1:x", "folder/f:1:x"}));
    EXPECT_EQ(across.skipped.kept_out, 1U) << "a directory of /proc";
    EXPECT_EQ(searched(open, "folder/f").found, (strings{"folder/f:1:x"}));
    memory_sink out;
    EXPECT_EQ(run(background(), open, {.pattern = "x", .path = "proc/unix"}, out).error,
              errc::kept_out);
    EXPECT_EQ(searched(root(tree.path("root/folder"))).found, (strings{"f:1:x"}))
        << "the root may be a mount itself";
    return !testing::Test::HasFailure();
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace hangup::search
