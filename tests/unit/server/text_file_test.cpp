#include "server/text_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

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
  EXPECT_EQ(read_text_file(path_, 4, text_), "it has more than 4 bytes");
}

TEST_F(text_file, that_is_not_there_or_no_file_is_said_to_be_what_it_is) {
  EXPECT_EQ(read_text_file(path_, 5, text_), "No such file or directory");
  EXPECT_EQ(read_text_file("/", 5, text_), "it is a directory");
  for (const auto* device : {"/dev/zero", "/dev/null", "/dev/full"}) {
    EXPECT_EQ(read_text_file(device, 5, text_), "it is a device") << device;
  }
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(read_text_file(path_, 5, text_), "it is a FIFO");
  const int writer = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);  // also when somebody writes to it
  EXPECT_EQ(read_text_file(path_, 5, text_), "it is a FIFO");
  ::close(writer);
  EXPECT_EQ(kind_of_special_file(path_), "a FIFO");
  EXPECT_EQ(kind_of_special_file(path_ + "x"), "");
}

// As `--config <(command)` gives it.
class shell_pipe {
 public:
  shell_pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
  ~shell_pipe() {
    ::close(ends_[0]);
    close_writer();
  }
  shell_pipe(const shell_pipe&) = delete;
  shell_pipe& operator=(const shell_pipe&) = delete;

  std::string path() const { return "/dev/fd/" + std::to_string(ends_[0]); }
  int writer() const { return ends_[1]; }
  void close_writer() { ::close(std::exchange(ends_[1], -1)); }

 private:
  int ends_[2]{};
};

TEST_F(text_file, may_be_a_pipe_of_the_shell_and_is_read_to_its_end) {
  shell_pipe pipe;
  std::thread writer([&pipe] {
    const std::string much(100'000, 'x');  // more than there is room for
    EXPECT_EQ(::write(pipe.writer(), much.data(), much.size()), 100'000);
    pipe.close_writer();
  });
  EXPECT_EQ(read_text_file(pipe.path(), 1'000'000, text_), std::nullopt);
  writer.join();
  EXPECT_EQ(text_.size(), 100'000U);
}

TEST_F(text_file, that_is_a_pipe_without_an_end_is_waited_for_only_so_long) {
  const shell_pipe silent;
  EXPECT_EQ(read_text_file(silent.path(), 5, text_, 20ms), "it is a pipe whose end does not come");
}

TEST_F(text_file, in_utf_16_is_told_by_its_first_bytes) {
  for (const auto& wide : {std::string("\xff\xfe{\0", 4), std::string("\xfe\xff\0{", 4),
                           std::string("{\0}\0", 4), std::string("\0{", 2)}) {
    EXPECT_TRUE(is_wide_text(wide));
  }
  for (const auto* plain : {"", "{", "{}", "\xef\xbb\xbf{}"}) {
    EXPECT_FALSE(is_wide_text(plain));
  }
}

}  // namespace
}  // namespace hangup::server
