// The first minutes with the program: started anywhere, with samples that are made, damaged or
// empty, and the list of routes that it answers with.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

namespace fs = std::filesystem;
using words = std::vector<std::string>;

// A command in another working directory, with these variables and without those that name the
// user's data.
words in(const std::string& folder, const words& variables, const words& flags) {
  words all = {"sh", "-c", "cd \"$0\" && exec \"$@\"", folder, "env", "-u", "XDG_DATA_HOME"};
  all.insert(all.end(), variables.begin(), variables.end());
  all.emplace_back(HANGUP_BINARY);
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

site site_of(process& p) {
  const auto line = p.line_with(" listens on http://");
  const auto from = std::min(line.find("http://"), line.size());
  EXPECT_NE(line, "") << p.output();
  return site(line.substr(from, line.find(' ', from) - from));
}

TEST(start, outside_the_repository_puts_its_samples_among_the_users_data_and_nothing_else) {
  const shop place;
  const auto home = place / "home";
  const auto here = place / "here";
  fs::create_directory(home);
  fs::create_directory(here);
  const words variables = {"HOME=" + home, "HANGUP_DATABASES__SQLITE__SAMPLE_ROWS=500",
                           "HANGUP_PORT=0"};
  const auto checked = run(in(here, variables, {"--check-config"}));
  EXPECT_EQ(checked.output, "built-in defaults: ok\n");
  EXPECT_TRUE(fs::is_empty(home)) << "checked only";

  process p(in(here, variables, {}));
  const auto s = site_of(p);
  EXPECT_EQ(s.curl("/readyz").output, "ready\n");
  EXPECT_NE(s.curl("/search?pattern=anvil&max_matches=1").output.find("\"path\""),
            std::string::npos);
  EXPECT_TRUE(fs::exists(home + "/.local/share/hangup/sample.db"));
  EXPECT_TRUE(fs::exists(home + "/.local/share/hangup/corpus/log"));
  EXPECT_TRUE(fs::is_empty(here));
}

TEST(start, without_a_home_makes_its_samples_in_the_current_folder) {
  const shop place;
  const auto r = run(in(place.path(), {"-i", "HANGUP_PORT=0"}, {"--check-config"}));
  EXPECT_EQ(r.output, "built-in defaults: ok\n");
  process p(
      in(place.path(), {"-i", "HANGUP_DATABASES__SQLITE__SAMPLE_ROWS=500", "HANGUP_PORT=0"}, {}));
  EXPECT_EQ(site_of(p).curl("/readyz").output, "ready\n");
  EXPECT_TRUE(fs::exists(place / "sample.db"));
  EXPECT_TRUE(fs::exists(place / "corpus/log"));
}

TEST(start, where_no_sample_can_be_made_is_refused_by_the_check_and_by_the_start) {
  const shop place;
  const words variables = {"HANGUP_SEARCH__ROOT=/dev/null/corpus",
                           "HANGUP_DATABASES__SQLITE__FILE=/dev/null/sample.db", "HANGUP_PORT=0"};
  for (const auto& flags : {words{"--check-config"}, words{}}) {
    const auto r = run(in(place.path(), variables, flags));
    EXPECT_EQ(r.exit, 2);
    EXPECT_NE(r.output.find("search.root: the sample texts /dev/null/corpus cannot be made: "),
              std::string::npos)
        << r.output;
    EXPECT_NE(r.output.find("databases.sqlite.file: the sample database "), std::string::npos)
        << "every mistake is told";
  }
}

TEST(start, with_a_fifo_for_a_configuration_does_not_wait_for_who_writes_to_it) {
  const shop place;
  const auto fifo = place / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const auto& [path, kind] :
       {std::pair(fifo, "it is a FIFO"), {"/dev/null", "it is a device"}, {"/", "a directory"}}) {
    const auto r = run({HANGUP_BINARY, "--config", path});
    EXPECT_EQ(r.exit, 2);
    EXPECT_TRUE(is_one_line(r.output)) << r.output;
    EXPECT_NE(r.output.find(kind), std::string::npos) << r.output;
  }
}

TEST(start, with_a_pipe_of_the_shell_for_a_configuration_reads_it) {
  const auto r = run({"bash", "-c", "\"$0\" --config <(echo '{}') --check-config", HANGUP_BINARY});
  EXPECT_EQ(r.exit, 0) << r.output;
}

// With a small sample that has been made.
class damaged_sample : public testing::Test {
 protected:
  void SetUp() override {
    shop_.sqlite()["sample_rows"] = 5000;
    shop_.settings["search"] = {{"root", shop_ / "corpus"}, {"sample", true}};
    const server made({"--config", shop_.config()});
    EXPECT_EQ(made.curl("/readyz").output, "ready\n");
  }

  // That it is said by the log at the start and by /readyz.
  void expect_said(const std::string& what, const std::string& todo) const {
    server s({"--config", shop_.config()});
    const auto line = s.program.line_with("not ready: ");
    const auto page = s.curl("/readyz", {"-i"}).output;
    EXPECT_TRUE(page.starts_with("HTTP/1.1 503 ")) << page;
    for (const auto& part : {what, todo}) {
      EXPECT_NE(line.find(part), std::string::npos) << line;
      EXPECT_NE(page.find(part), std::string::npos) << page;
    }
  }

  shop shop_;
};

TEST_F(damaged_sample, of_a_database_is_not_ready_and_what_to_do_is_said) {
  const auto file = shop_ / "shop.db";
  const auto todo = "remove " + file + " and start the server again";
  fs::resize_file(file, fs::file_size(file) / 2);
  expect_said("malformed", todo);
  std::ofstream(file, std::ios::trunc)
      << "no database, but longer than the head of one: " << std::string(200, 'x');
  expect_said("not a database", todo);
  fs::resize_file(file, 0);
  expect_said("there is no table in it", todo);

  fs::remove(file);
  const server s({"--config", shop_.config()});
  EXPECT_EQ(s.curl("/readyz").output, "ready\n") << "it is made anew";

  // What is wrong is said of a file that may be whole, and not that it be removed.
  const auto page_without = [&](const std::string& what) {
    const auto page = s.curl("/readyz", {"-i"}).output;
    EXPECT_TRUE(page.starts_with("HTTP/1.1 503 ")) << page;
    EXPECT_NE(page.find(what), std::string::npos) << page;
    EXPECT_EQ(page.find("remove"), std::string::npos) << page;
  };
  fs::rename(file, file + ".away");
  page_without("the sample " + file + " is not there: start the server again");
  fs::create_directory(file);
  page_without("not a regular file: the sample " + file);
  fs::remove(file);
  fs::create_symlink("nowhere", file);
  page_without("the sample " + file);
  fs::remove(file);
  fs::rename(file + ".away", file);
  EXPECT_EQ(s.curl("/readyz").output, "ready\n");
}

TEST_F(damaged_sample, of_texts_is_not_ready_and_what_to_do_is_said) {
  const auto todo = "remove the folder and start the server again";
  fs::resize_file(shop_ / "corpus/log/2024-03-07.log", 0);
  fs::remove_all(shop_ / "corpus/odd");
  expect_said("7 of its 178 files are not there or empty", todo);
  fs::remove_all(shop_ / "corpus");
  fs::create_directory(shop_ / "corpus");
  expect_said("there is nothing in it", todo);

  std::ofstream(shop_ / "corpus/own.txt") << "somebody's own text\n";
  const server s({"--config", shop_.config()});
  EXPECT_EQ(s.curl("/readyz").output, "ready\n") << "no sample, but files of the user's own";
  fs::remove_all(shop_ / "corpus");
  EXPECT_NE(s.curl("/readyz").output.find("corpus: it is not there; start the server again"),
            std::string::npos);
}

// A pseudo-terminal whose other end is the standard output and error of a program.
class terminal {
 public:
  explicit terminal(unsigned short columns = 0) {
    const winsize size{.ws_row = 25, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::openpty(&here_, &there_, nullptr, nullptr, &size) != 0) {
      throw std::runtime_error("openpty");
    }
  }
  ~terminal() {
    ::close(here_);
    hand_over();
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  int there() const noexcept { return there_; }
  // The program has it: what is read ends with the program.
  void hand_over() {
    if (there_ >= 0) {
      ::close(std::exchange(there_, -1));
    }
  }
  // Reads until the text has come, or to the end.
  std::string read_to(const std::string& text) {
    std::string all;
    char buffer[4096];
    while (all.find(text) == std::string::npos) {
      const auto n = ::read(here_, buffer, sizeof buffer);
      if (n <= 0) {
        break;  // EIO is the end of a terminal
      }
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }

 private:
  int here_ = -1;
  int there_ = -1;
};

TEST(start, that_is_interrupted_while_a_sample_is_made_ends_the_line_and_leaves_no_half_of_it) {
  for (const int signal : {SIGINT, SIGQUIT}) {
    shop f;
    f.sqlite()["sample_rows"] = 50'000'000;
    f.settings["search"] = {{"root", ""}};
    terminal t;
    process p({"sh", "-c", "ulimit -c 0; exec \"$0\" --port 0 --config \"$1\"", HANGUP_BINARY,
               f.config()},
              t.there());
    t.hand_over();
    ASSERT_NE(t.read_to("%").find("making the sample database"), std::string::npos);
    p.signal(signal);
    EXPECT_EQ(p.wait(), 128 + signal);
    EXPECT_TRUE(t.read_to("nothing that comes").ends_with("\n"));
    EXPECT_FALSE(fs::exists(f / "shop.db"));
    EXPECT_FALSE(fs::exists(f / "shop.db.making"));
  }
}

TEST(start, shows_the_progress_of_a_sample_in_lines_that_fit_the_terminal) {
  for (const auto columns : std::to_array<unsigned short>({30, 80, 250})) {
    shop f;
    f.sqlite()["sample_rows"] = 500;
    f.settings["search"] = {{"root", ""}};
    terminal t(columns);
    process p({HANGUP_BINARY, "--port", "0", "--config", f.config()}, t.there());
    t.hand_over();
    std::istringstream lines(t.read_to("100 %"));
    int updates = 0;
    bool has_bar = false;
    for (std::string line; std::getline(lines, line, '\r');) {
      if (line.find('%') != std::string::npos) {
        ++updates;
        EXPECT_LT(line.size(), columns) << line;
        has_bar = has_bar || line.find('#') != std::string::npos;
      }
    }
    EXPECT_GT(updates, 50);
    EXPECT_EQ(has_bar, columns == 250);
  }
}

TEST(start, under_a_limit_of_file_sizes_says_that_a_sample_cannot_be_made) {
  for (const auto* const key : {"HANGUP_DATABASES__SQLITE__FILE", "HANGUP_SEARCH__ROOT"}) {
    const shop f;
    const auto sample = std::string(key) + "=" + (f / "sample");
    const auto other =
        std::string(key) == "HANGUP_SEARCH__ROOT" ? "HANGUP_DATABASES={}" : "HANGUP_SEARCH__ROOT=";
    const auto r = run({"sh", "-c", "ulimit -f 8; exec \"$@\"", "sh", "env", "HANGUP_PORT=0",
                        sample, other, HANGUP_BINARY});
    EXPECT_EQ(r.exit, 2) << r.output;
    EXPECT_NE(r.output.find(" cannot be made: "), std::string::npos) << r.output;
    EXPECT_TRUE(fs::is_empty(f.path()));
  }
}

TEST(index, lists_the_routes_that_there_are_each_with_an_example_that_works) {
  shop f;
  f.settings["search"] = {{"root", f / "corpus"}, {"sample", true}};
  const server s({"--config", f.config()});
  const auto text = s.curl("/", {"-i"}).output;
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 ")) << text;
  EXPECT_NE(text.find("\r\nContent-Type: text/plain; charset=utf-8\r\n"), std::string::npos);
  EXPECT_NE(text.find("\nGET /query/sqlite\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("/relay"), std::string::npos) << "it is not there";
  EXPECT_NE(text.find("docs/"), std::string::npos) << text;
  EXPECT_EQ(text.find('`'), std::string::npos) << text;
  EXPECT_NE(text.find("see docs/metrics.md"), std::string::npos) << text;
  EXPECT_NE(text.find("/fanout?parts="), std::string::npos) << text;

  const auto json =
      nlohmann::json::parse(s.curl("/", {"-H", "Accept: application/json"}).output, nullptr, false);
  ASSERT_TRUE(json.is_object());
  std::size_t examples = 0;
  std::vector<std::string> names;
  for (const auto& r : json["routes"]) {
    names.push_back(r["method"].get<std::string>() + " " + r["path"].get<std::string>());
    EXPECT_GT(r["answer"].get<std::string>().size(), 5U) << names.back();
    if (r["method"] == "GET" && r.contains("example")) {
      ++examples;
      EXPECT_EQ(s.curl(r["example"], {"-g", "-o", "/dev/null", "-w", "%{http_code}"}).output, "200")
          << names.back();
    }
  }
  EXPECT_GT(examples, 10U);
  const words wanted = {"GET /",        "GET /query/sim", "GET /search",
                        "GET /query",   "GET /jobs/{id}", "POST /query/sqlite",
                        "GET /metrics", "GET /readyz",    "DELETE /jobs/{id}"};
  for (const auto& name : wanted) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  }
}

TEST(index, shows_no_example_of_a_fan_out_if_no_database_has_its_report) {
  shop f;
  f.settings["fanout"] = {{"report", "no_such"}};
  const server s({"--config", f.config()});
  const auto text = s.curl("/").output;
  EXPECT_NE(text.find("GET /fanout\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("/fanout?parts="), std::string::npos) << text;
}

TEST(index, is_answered_to_head_and_counted_as_other_routes_are) {
  shop f;
  f.settings["databases"] = nlohmann::json::object();
  const server s({"--config", f.config()});
  const auto head = s.curl("/", {"-I", "-H", "X-Request-Id: first"}).output;
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 ")) << head;
  EXPECT_NE(head.find("\r\nContent-Length: "), std::string::npos) << head;
  EXPECT_EQ(s.ended("first")["route"], "/");
  EXPECT_EQ(s.metric("hangup_requests_total{route=\"/\",end=\"completed\"}"), 1);
  EXPECT_NE(s.curl("/", {"-X", "POST", "-i"}).output.find("HTTP/1.1 405 "), std::string::npos);
}

}  // namespace
}  // namespace hangup::system_test
