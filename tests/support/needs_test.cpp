// Tests that cannot run on a machine say what it lacks: each program by itself.
#include "tests/support/needs.h"

#include <gtest/gtest-spi.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tests/support/temporary_directory.h"
#include "tests/support/variable.h"

namespace hangup::test {
namespace {

// The result that a test has when it asks for these; none if it goes on.
std::optional<testing::TestPartResult> result_of(std::initializer_list<need> all) {
  testing::TestPartResultArray told;
  const testing::ScopedFakeTestPartResultReporter instead(
      testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &told);
  try {
    needs(all);
  } catch (const testing::AssertionException&) {
    return told.GetTestPartResult(0);
  }
  return std::nullopt;
}

TEST(needs, of_what_is_there_change_nothing) {
  EXPECT_FALSE(result_of({program("sh"), program("env")}));
}

TEST(needs, of_what_is_missing_skip_and_name_all_of_it_in_one_line) {
  const variable ci("CI", nullptr);
  const auto told = result_of({program("sh"), program("no-such-1"), program("no-such-2")});
  ASSERT_TRUE(told);
  EXPECT_TRUE(told->skipped());
  std::string message = told->message();
  message.erase(message.find_last_not_of('\n') + 1);  // which newer versions of GoogleTest add
  EXPECT_EQ(
      message,
      "needs no-such-1: apt-get install no-such-1, needs no-such-2: apt-get install no-such-2");
}

TEST(needs, of_what_is_missing_fail_in_ci_but_for_what_a_build_lacks) {
  const variable ci("CI", "true");
  const auto program_told = result_of({program("no-such")});
  ASSERT_TRUE(program_told);
  EXPECT_TRUE(program_told->fatally_failed());
  const auto build_told = result_of({need{"needs another build", false}});
  ASSERT_TRUE(build_told);
  EXPECT_TRUE(build_told->skipped());
}

TEST(needs, a_program_is_a_file_in_the_path_that_can_be_run) {
  const temporary_directory folder;
  const variable path("PATH", folder.path().c_str());
  const auto file = folder.write("a-tool", "");
  EXPECT_EQ(find_program("a-tool"), "");
  ASSERT_EQ(::chmod(file.c_str(), 0755), 0);
  EXPECT_EQ(find_program("a-tool"), file);
}

TEST(temporary_directory, is_removed_with_all_that_is_in_it) {
  std::string path;
  {
    const temporary_directory folder;
    path = folder.path();
    folder.write("file", "text");
    ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
    std::filesystem::create_directories(folder / "a/b");
    ASSERT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace hangup::test
