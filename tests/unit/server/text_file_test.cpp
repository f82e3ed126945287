#include "server/text_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/temporary_directory.h"

namespace hangup::server {
namespace {

using namespace std::chrono_literals;

class text_file : public testing::Test {
 protected:
  const test::temporary_directory folder_;
  const std::string path_ = folder_ / "file";
  std::string text_;
};

TEST_F(text_file, is_read_whole_up_to_the_most_and_not_beyond) {
  std::ofstream(path_) << "12345";
  EXPECT_FALSE(read_text_file(path_, 5, text_));
  EXPECT_EQ(text_, "12345");
  EXPECT_EQ(read_text_file(path_, 4, text_), std::errc::file_too_large);
  EXPECT_EQ(read_text_file("/dev/zero", 100'000, text_), std::errc::file_too_large);
}

TEST_F(text_file, that_is_not_there_or_a_directory_is_the_systems_error) {
  EXPECT_EQ(read_text_file(path_, 5, text_), std::errc::no_such_file_or_directory);
  EXPECT_EQ(read_text_file("/", 5, text_), std::errc::is_a_directory);
}

TEST_F(text_file, may_be_a_pipe_whose_writer_comes_later) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  std::thread writer([this] { std::ofstream(path_) << std::string(100'000, 'x'); });
  EXPECT_FALSE(read_text_file(path_, 1'000'000, text_));
  writer.join();
  EXPECT_EQ(text_.size(), 100'000U);
}

TEST_F(text_file, that_is_a_pipe_without_a_writer_is_waited_for_in_vain_only_so_long) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(read_text_file(path_, 5, text_, 20ms), std::errc::timed_out);
  const int silent = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_EQ(read_text_file(path_, 5, text_, 20ms), std::errc::timed_out);
  ::close(silent);
}

}  // namespace
}  // namespace hangup::server
