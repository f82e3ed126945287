// The search through a tree: what is found, what is left out and why, and that it stops.
#include "handlers/search/file_search.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/fsuid.h>

#include <memory>

#include "tests/support/resources.h"
#include "tests/unit/handlers/search/search_support.h"

namespace hangup::search {
namespace {

std::uint64_t peak_memory() {  // bytes
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) {
      return std::stoull(line.substr(6)) * 1024;
    }
  }
  return 0;
}

bool locked(const temp_tree& tree) {
  const descriptor fd(::open(tree.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0;
}

TEST(file_search, a_literal_and_an_expression_are_found_with_path_and_line) {
  const temp_tree tree;
  tree.write("a.txt", "one\ntwo err\n");
  tree.write("d/b.txt", "err 42\r\nlast line has no end err");
  tree.write("empty", "");
  EXPECT_EQ(found(tree, {.pattern = "err"}),
            (strings{"a.txt:2:two err", "d/b.txt:1:err 42", "d/b.txt:2:last line has no end err"}));
  EXPECT_EQ(found(tree, {.pattern = "^err \\d+", .regex = true}), (strings{"d/b.txt:1:err 42"}));
  EXPECT_TRUE(found(tree, {.pattern = "err \\d"}).empty());
}

TEST(file_search, the_path_may_be_a_directory_or_one_file) {
  const temp_tree tree;
  tree.write("d/b", "x");
  tree.write("d/e/c", "x");
  tree.write("f", "x");
  EXPECT_EQ(found(tree, {.pattern = "x", .path = "./d//"}), (strings{"d/b:1:x", "d/e/c:1:x"}));
  EXPECT_EQ(found(tree, {.pattern = "x", .path = "d/b"}), (strings{"d/b:1:x"}));
  EXPECT_EQ(found(tree, {.pattern = "x", .path = ""}).size(), 3U);
}

TEST(file_search, a_bad_pattern_is_refused_before_anything_is_opened_in_the_words_of_re2) {
  const temp_tree tree;
  memory_sink out;
  const auto r = run(background(), root(tree.path()),
                     {.pattern = "a(b", .regex = true, .path = "missing"}, out);
  EXPECT_EQ(r.error, errc::bad_pattern);
  EXPECT_EQ(r.reason, "missing ): a(b");
}

TEST(file_search, a_path_out_of_the_root_is_refused_by_the_kernel) {
  const temp_tree tree;
  tree.write("root/f", "x");
  tree.write("secret", "x");
  std::filesystem::create_symlink("../secret", tree.path("root/out"));
  std::filesystem::create_symlink("/etc", tree.path("root/absolute"));
  std::filesystem::create_symlink("circle", tree.path("root/circle"));
  const root files(tree.path("root"));
  for (const char* path : {"..", "../secret", "/etc/passwd", "/", "out", "absolute/passwd",
                           "circle", "f/../../secret", "./../root/f"}) {
    memory_sink out;
    const auto r = run(background(), files, {.pattern = "x", .path = path}, out);
    EXPECT_TRUE(r.error == errc::outside_root || (r.error == errc::not_found && path[0] == 'f'))
        << path << ": " << r.error.message();
    EXPECT_EQ(r.reason, r.error.message());
  }
}

TEST(file_search, other_bad_paths_have_errors_of_their_own) {
  const temp_tree tree;
  tree.write("f", "x");
  ASSERT_EQ(::mkfifo(tree.path("fifo").c_str(), 0600), 0);
  const root files(tree.path());
  const std::pair<std::string, errc> cases[] = {{"missing", errc::not_found},
                                                {"f/below", errc::not_found},
                                                {"fifo", errc::not_searchable},
                                                {std::string("f\0g", 3), errc::bad_path},
                                                {std::string(5000, 'a'), errc::bad_path}};
  for (const auto& [path, expected] : cases) {
    memory_sink out;
    EXPECT_EQ(run(background(), files, {.pattern = "x", .path = path}, out).error, expected)
        << path;
  }
}

TEST(file_search, symlinks_are_followed_in_the_path_of_the_query_and_never_in_the_walk) {
  const temp_tree tree;
  tree.write("d/f", "x");
  std::filesystem::create_symlink("d", tree.path("in"));
  std::filesystem::create_symlink("..", tree.path("d/up"));
  std::filesystem::create_symlink("f", tree.path("d/same"));
  EXPECT_EQ(found(tree, {.pattern = "x", .path = "in"}), (strings{"in/f:1:x"}));
  memory_sink out;
  const auto r = run(background(), root(tree.path()), {.pattern = "x"}, out);
  EXPECT_EQ(out.sorted(), (strings{"d/f:1:x"}));
  EXPECT_EQ(r.sum.skipped.symlink, 3U);
}

TEST(file_search, fifos_and_binary_files_are_counted_and_do_not_stop_it) {
  const temp_tree tree;
  tree.write("text", "x\n");
  tree.write("binary", std::string("x\0x", 3));
  tree.write("late", std::string(40'000, 'a') + '\0' + "\nx\n");  // a NUL, but not at the beginning
  ASSERT_EQ(::mkfifo(tree.path("fifo").c_str(), 0600), 0);
  memory_sink out;
  const auto r = run(background(), root(tree.path()), {.pattern = "x"}, out);
  EXPECT_FALSE(r.error);
  EXPECT_EQ(out.sorted(), (strings{"late:2:x", "text:1:x"}));
  EXPECT_EQ(r.sum.skipped.special, 1U);
  EXPECT_EQ(r.sum.skipped.binary, 1U);
  EXPECT_EQ(r.sum.files, 2U);
  EXPECT_EQ(r.sum.bytes, 2U + 40'004U);
}

TEST(file_search, what_may_not_be_read_is_counted) {
  const temp_tree tree;
  tree.write("f", "x");
  tree.write("forbidden", "x");
  tree.write("closed/f", "x");
  ::chmod(tree.path("forbidden").c_str(), 0);
  ::chmod(tree.path("closed").c_str(), 0);
  const root files(tree.path());
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    ::setfsuid(65534);  // of this thread; takes the power to read everything with it
  }
  memory_sink out;
  const auto r = run(background(), files, {.pattern = "x"}, out);
  const auto direct = run(background(), files, {.pattern = "x", .path = "forbidden"}, out);
  if (is_root) {
    ::setfsuid(0);
  }
  ::chmod(tree.path("closed").c_str(), 0755);
  EXPECT_FALSE(r.error);
  EXPECT_EQ(out.sorted(), (strings{"f:1:x"}));
  EXPECT_EQ(r.sum.skipped.unreadable, 2U);
  EXPECT_EQ(direct.error, errc::unreadable);
}

TEST(file_search, what_vanishes_on_the_way_is_counted) {
  const temp_tree tree;
  for (int i = 0; i < 20; ++i) {
    tree.write("f" + std::to_string(i), "x");
    tree.write("d" + std::to_string(i) + "/f", "x");
  }
  memory_sink out;
  out.after_match = [&]() -> std::error_code {
    for (const auto& entry : std::filesystem::directory_iterator(tree.path())) {
      std::filesystem::remove_all(entry);
    }
    return {};
  };
  const auto r = run(background(), root(tree.path()), {.pattern = "x"}, out);
  EXPECT_FALSE(r.error);
  EXPECT_EQ(out.lines.size(), 1U);
  EXPECT_GE(r.sum.skipped.vanished, 38U);
}

TEST(file_search, a_tree_without_end_is_cut_at_a_depth) {
  const temp_tree tree;
  descriptor at(::open(tree.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t level = 0; level < max_depth + 5; ++level) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = descriptor(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const descriptor file(::openat(at.get(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ASSERT_EQ(::write(file.get(), "x\n", 2), 2);
  }
  memory_sink out;
  const auto r = run(background(), root(tree.path()), {.pattern = "x"}, out);
  EXPECT_FALSE(r.error);
  EXPECT_EQ(out.lines.size(), max_depth);
  EXPECT_EQ(r.sum.skipped.too_deep, 1U);
}

TEST(file_search, many_files_take_no_memory_and_the_sink_is_called_between_them) {
  const temp_tree tree;
  for (int i = 0; i < 5000; ++i) {
    tree.write("d" + std::to_string(i % 7) + "/f" + std::to_string(i), "a\nneedle\n");
  }
  struct counter final : sink {
    std::error_code on_match(const match&) override { return {}; }
    std::error_code idle() override { return ++idles, std::error_code(); }
    int idles = 0;
  } out;
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak counts from here
  const auto before = peak_memory();
  const auto r = run(background(), root(tree.path()), {.pattern = "needle"}, out);
  EXPECT_EQ(r.sum.matches, 5000U);
  EXPECT_GE(out.idles, 5000);
  EXPECT_LT(peak_memory(), before + (4U << 20U));
}

TEST(file_search, a_line_of_many_megabytes_is_found_with_flat_memory) {
  const temp_tree tree;
  {
    std::ofstream file(tree.path("f"), std::ios::binary);
    const std::string block(1U << 20U, 'a');
    file << "first\n";
    for (int i = 0; i < 64; ++i) {
      file << block;
    }
    file << "needle" << block << "needle\nlast needle\n";
  }
  for (const bool regex : {false, true}) {
    std::ofstream("/proc/self/clear_refs") << 5;
    const auto before = peak_memory();
    memory_sink out;
    const auto r = run(background(), root(tree.path()),
                       {.pattern = regex ? "n[e]+dle" : "needle", .regex = regex}, out);
    EXPECT_FALSE(r.error);
    EXPECT_LT(peak_memory(), before + (8U << 20U));
    ASSERT_EQ(out.lines.size(), 2U);
    EXPECT_EQ(out.lines[0].number, 2U);
    EXPECT_EQ(out.lines[0].column, (64U << 20U) + 1);
    EXPECT_TRUE(out.lines[0].truncated);
    EXPECT_NE(out.lines[0].text.find("needle"), std::string::npos);
    EXPECT_LE(out.lines[0].text.size(), 512U);
    EXPECT_EQ(out.lines[1].number, 3U);
    EXPECT_EQ(out.lines[1].text, "last needle");
  }
}

TEST(file_search, it_ends_at_the_limit_and_says_so) {
  const temp_tree tree;
  tree.write("f", "x\nx\nx\n");
  for (const std::uint64_t limit : {0U, 1U, 2U, 4U}) {
    memory_sink out;
    const auto r =
        run(background(), root(tree.path()), {.pattern = "x", .max_matches = limit}, out);
    EXPECT_FALSE(r.error);
    EXPECT_EQ(out.lines.size(), limit == 0 ? 3U : std::min<std::size_t>(limit, 3));
    EXPECT_EQ(r.sum.limit_reached, limit == 1 || limit == 2);
  }
}

TEST(file_search, under_a_context_that_has_ended_nothing_is_read) {
  const temp_tree tree;
  tree.write("f", "x");
  const auto c = with_cancel(background());
  c.cancel();
  for (const char* path : {".", "f"}) {
    memory_sink out;
    const auto r = run(c.ctx, root(tree.path()), {.pattern = "x", .path = path}, out);
    EXPECT_EQ(r.error, hangup::errc::canceled);
    EXPECT_EQ(r.sum.files + r.sum.bytes, 0U);
    EXPECT_EQ(out.lines.size() + static_cast<std::size_t>(out.idles), 0U);
  }
}

TEST(file_search, the_context_ends_it_in_the_middle_of_a_buffer) {
  const temp_tree tree;
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "x\n";
  }
  tree.write("a", text);
  tree.write("b", text);
  const auto c = with_cancel(background());
  memory_sink out;
  out.after_match = [&]() -> std::error_code {
    if (out.lines.size() == 3) {
      c.cancel();
    }
    return {};
  };
  const auto r = run(c.ctx, root(tree.path()), {.pattern = "x"}, out);
  EXPECT_EQ(r.error, hangup::errc::canceled);
  EXPECT_EQ(out.lines.size(), 3U);
  EXPECT_EQ(r.sum.files, 1U);
}

TEST(file_search, the_context_ends_it_between_reads_and_between_files_without_matches) {
  const temp_tree tree;
  tree.write("big", std::string(8U << 20U, 'a'));
  for (int i = 0; i < 50; ++i) {
    tree.write("d/f" + std::to_string(i), "a");
  }
  for (const char* path : {"big", "d"}) {
    const auto c = with_cancel(background());
    memory_sink out;
    out.when_idle = [&]() -> std::error_code {
      if (out.idles == 3) {
        c.cancel();
      }
      return {};
    };
    const auto r = run(c.ctx, root(tree.path()), {.pattern = "x", .path = path}, out);
    EXPECT_EQ(r.error, hangup::errc::canceled);
    EXPECT_LE(out.idles, 4);
    EXPECT_LE(r.sum.bytes, 4U * 128U * 1024U);
  }
}

TEST(file_search, the_error_of_the_sink_ends_it) {
  const temp_tree tree;
  tree.write("f", "x\nx\n");
  const auto gone = std::make_error_code(std::errc::broken_pipe);
  memory_sink out;
  out.after_match = [&] { return gone; };
  EXPECT_EQ(run(background(), root(tree.path()), {.pattern = "x"}, out).error, gone);
  EXPECT_EQ(out.lines.size(), 1U);
  memory_sink idle;
  idle.when_idle = [&] { return gone; };
  EXPECT_EQ(run(background(), root(tree.path()), {.pattern = "y"}, idle).error, gone);
}

TEST(file_search, descriptors_and_the_lock_are_given_back_however_it_ends) {
  const temp_tree tree;
  tree.write("a/b/c/f", "x\nx\nx\n");
  const root files(tree.path());
  for (const int end : {0, 1, 2}) {
    const auto before = test::open_descriptors();
    const auto c = with_cancel(background());
    bool held = false;
    memory_sink out;
    out.after_match = [&]() -> std::error_code {
      held = locked(tree);
      EXPECT_GT(test::open_descriptors(), before + 4);
      if (end == 1) {
        c.cancel();
      }
      return end == 2 ? std::make_error_code(std::errc::broken_pipe) : std::error_code();
    };
    prepared job;
    std::string reason;
    ASSERT_FALSE(prepare(files, {.pattern = "x"}, job, reason));
    summary sum;
    const auto error = scan(c.ctx, std::move(job), out, sum);
    EXPECT_EQ(static_cast<bool>(error), end != 0);
    EXPECT_TRUE(held);
    EXPECT_FALSE(locked(tree));
    EXPECT_EQ(test::open_descriptors(), before);
  }
}

TEST(file_search, a_root_that_someone_holds_exclusively_is_refused_and_shared_holders_are_not) {
  const temp_tree tree;
  tree.write("f", "x");
  const root files(tree.path());
  const descriptor other(::open(tree.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  memory_sink out;
  ASSERT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(run(background(), files, {.pattern = "x"}, out).error, errc::locked);
  ASSERT_EQ(::flock(other.get(), LOCK_SH | LOCK_NB), 0);
  EXPECT_FALSE(run(background(), files, {.pattern = "x"}, out).error);
  prepared dropped;
  std::string reason;
  ASSERT_FALSE(prepare(files, {.pattern = "x"}, dropped, reason));
  ASSERT_EQ(::flock(other.get(), LOCK_UN), 0);
  EXPECT_TRUE(locked(tree));
  dropped = prepared();
  EXPECT_FALSE(locked(tree));
}

}  // namespace
}  // namespace hangup::search
