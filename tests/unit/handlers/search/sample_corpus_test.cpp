// The folder that is made to try searches on.
#include "handlers/search/sample_corpus.h"

#include <fcntl.h>
#include <sys/file.h>

#include <thread>

#include "hangup/context/wait.h"
#include "tests/unit/handlers/search/search_support.h"

namespace hangup::search {
namespace {

std::string all_of(const std::string& folder) {  // the names and sizes, and what is in some
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      lines.push_back(entry.path().string().substr(folder.size()) + " " +
                      std::to_string(entry.file_size()));
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const auto& line : lines) {
    all += line + "\n";
  }
  for (const char* name : {"/letters/2024-09/Kyoto.txt", "/log/2024-03-11.log"}) {
    std::ifstream file(folder + name, std::ios::binary);
    all.append(std::istreambuf_iterator<char>(file), {});
  }
  return all;
}

TEST(sample_corpus, is_made_once_and_always_the_same) {
  const temp_tree tree;
  std::vector<unsigned> told;
  const auto tell = [&](unsigned percent) { told.push_back(percent); };
  ASSERT_FALSE(make_corpus(background(), tree.path("some/where/one"), tell));
  ASSERT_FALSE(make_corpus(background(), tree.path("two/"), tell));
  const auto one = all_of(tree.path("some/where/one"));
  EXPECT_EQ(one, all_of(tree.path("two")));
  EXPECT_EQ(told.size(), 2 * 101U);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.begin() + 101));

  told.clear();
  tree.write("two/mine", "");
  ASSERT_FALSE(make_corpus(background(), tree.path("two"), tell));
  EXPECT_TRUE(told.empty()) << "it was there";
  EXPECT_TRUE(std::filesystem::exists(tree.path("two/mine")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(tree.path()), {}), 2)
      << "nothing is left beside it";

  memory_sink out;
  const auto r = run(background(), root(tree.path("two")), {.pattern = "hang up"}, out);
  EXPECT_GT(r.sum.matches, 100U);
  EXPECT_NEAR(static_cast<double>(r.sum.bytes), 20e6, 2e6);
  EXPECT_EQ(r.sum.skipped.binary, 2U);
}

TEST(sample_corpus, what_somebody_left_unfinished_is_begun_anew) {
  const temp_tree tree;
  tree.write("corpus.making/letters/2024-01/Berlin.txt", "half of");
  tree.write("corpus.lock", "");
  ASSERT_FALSE(make_corpus(background(), tree.path("corpus"), [](unsigned) {}));
  EXPECT_EQ(std::filesystem::file_size(tree.path("corpus/letters/2024-01/Berlin.txt")) / 10'000,
            10U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(tree.path()), {}), 1);
}

TEST(sample_corpus, stops_with_its_context_and_leaves_nothing) {
  const temp_tree tree;
  const auto c = with_cancel(background());
  const auto ec = make_corpus(c.ctx, tree.path("corpus"), [&](unsigned percent) {
    if (percent == 20) {
      c.cancel();
    }
  });
  EXPECT_EQ(ec, hangup::errc::canceled);
  EXPECT_TRUE(std::filesystem::is_empty(tree.path()));
}

TEST(sample_corpus, waits_for_another_who_makes_it_and_takes_what_that_has_made) {
  const temp_tree tree;
  const descriptor other(
      ::open(tree.path("corpus.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  const auto soon = with_timeout(background(), std::chrono::milliseconds(100));
  EXPECT_EQ(make_corpus(soon.ctx, tree.path("corpus"), [](unsigned) {}),
            hangup::errc::deadline_exceeded);
  int told = 0;
  std::thread waiting([&] {
    EXPECT_FALSE(make_corpus(background(), tree.path("corpus"), [&](unsigned) { ++told; }));
  });
  tree.write("corpus/f", "");
  ::flock(other.get(), LOCK_UN);
  waiting.join();
  EXPECT_EQ(told, 0);
  EXPECT_TRUE(std::filesystem::exists(tree.path("corpus/f")));
}

TEST(sample_corpus, says_why_it_cannot_be_made) {
  const temp_tree tree;
  tree.write("file", "");
  EXPECT_EQ(make_corpus(background(), tree.path("file/corpus"), [](unsigned) {}),
            std::errc::not_a_directory);
}

TEST(sample_corpus, a_part_that_is_not_there_is_a_fault_and_so_is_all_of_it) {
  const temp_tree tree;
  const auto folder = tree.path("corpus");
  ASSERT_FALSE(make_corpus(background(), folder, [](unsigned) {}));
  EXPECT_EQ(corpus_fault(folder), std::nullopt);
  const auto lost = [](int files) {
    return std::to_string(files) + " of its 178 files are not there or empty";
  };
  std::filesystem::remove_all(folder + "/letters/2024-01");
  EXPECT_EQ(corpus_fault(folder), lost(12));
  std::filesystem::remove_all(folder + "/letters");
  EXPECT_EQ(corpus_fault(folder), lost(144));
  std::filesystem::remove_all(folder + "/log");
  EXPECT_EQ(corpus_fault(folder), lost(172));
  std::filesystem::rename(folder + "/odd", folder + "/own");
  EXPECT_EQ(corpus_fault(folder), std::nullopt) << "somebody else's files";
  std::filesystem::remove_all(folder + "/own");
  EXPECT_EQ(corpus_fault(folder), "there is nothing in it");
  std::filesystem::remove(folder);
  EXPECT_EQ(corpus_fault(folder), "it is not there");
}

}  // namespace
}  // namespace hangup::search
