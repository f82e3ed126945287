// The tables of docs/routes.md and docs/metrics.md, held against the running binary.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;
using cells = std::vector<std::string>;

// The rows of all tables of a page whose first cell is code, without the backticks.
std::vector<cells> rows_of(const std::string& page) {
  std::ifstream in(page);
  std::vector<cells> rows;
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("| `")) {
      continue;
    }
    cells row;
    for (std::size_t from = 2; from < line.size();) {
      const auto to = line.find(" |", from);
      row.push_back(line.substr(from, to - from));
      from = to + 3;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// "`/spin`" -> "/spin"
std::string plain(std::string text) {
  std::erase(text, '`');
  return text;
}

struct metric {
  std::string type;
  std::map<std::string, std::set<std::string>> labels{};  // values, by name
};

std::map<std::string, metric> shown_metrics() {
  std::map<std::string, metric> all;
  const std::regex label("`([a-z]+)`: ([^;]*)");
  const std::regex value("`([^`]*)`");
  for (const auto& row : rows_of("docs/metrics.md")) {
    auto& m = all[plain(row.at(0))];
    m.type = row.at(1);
    const auto& text = row.at(2);
    for (std::sregex_iterator l(text.begin(), text.end(), label), end; l != end; ++l) {
      auto& values = m.labels[(*l)[1]];
      const auto listed = (*l)[2].str();
      if (listed.starts_with('`')) {  // else it says in words what they are
        for (std::sregex_iterator v(listed.begin(), listed.end(), value); v != end; ++v) {
          values.insert((*v)[1]);
        }
      }
    }
  }
  return all;
}

std::map<std::string, metric> served_metrics(const std::string& text) {
  std::map<std::string, metric> all;
  std::string family;
  const std::regex label("([a-z]+)=\"([^\"]*)\"");
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    std::string second;
    words >> first >> second;
    if (first == "#") {
      if (second == "TYPE") {
        words >> family >> all[family].type;
      }
      continue;
    }
    EXPECT_TRUE(line.starts_with(family)) << line;
    const auto sample = line.substr(0, line.rfind(' '));
    for (std::sregex_iterator l(sample.begin(), sample.end(), label), end; l != end; ++l) {
      all[family].labels[(*l)[1]].insert((*l)[2]);
    }
  }
  return all;
}

// All that adds a route or a metric; the upstream refuses every connection.
class whole_shop : public shop {
 public:
  whole_shop() {
    settings["search"] = {{"root", "docs"}};
    settings["relay"]["upstreams"]["next"]["url"] = "http://127.0.0.1:1";
    settings["admin"]["peers"] = {"127.0.0.1:1"};
  }
};

TEST(reference, the_table_of_metrics_has_what_is_served_after_a_varied_load_and_nothing_else) {
  const whole_shop f;
  const server s({"--config", f.config()});
  s.curl("/query/sim?rows=1000&row_ms=10", {"--max-time", "0.1"});
  s.curl("/query/sim?rows=many");
  s.curl("/nowhere");
  s.curl("/relay");
  s.curl("/fanout?parts=2&fail=1");
  s.curl("/query/sqlite?report=top_customers&detach=1");
  s.curl("/query/sqlite?report=cross", {"--max-time", "0.1"});
  s.curl("/search?pattern=a");

  const auto shown = shown_metrics();
  const auto served = served_metrics(s.curl("/metrics").output);
  ASSERT_FALSE(shown.empty());
  for (const auto& [name, m] : served) {
    ASSERT_TRUE(shown.contains(name)) << name << " is not in docs/metrics.md";
    EXPECT_EQ(shown.at(name).type, m.type) << name;
    for (const auto& [label, values] : m.labels) {
      ASSERT_TRUE(shown.at(name).labels.contains(label)) << name << " has the label " << label;
      const auto& listed = shown.at(name).labels.at(label);
      EXPECT_TRUE(listed.empty() || listed == values) << name << ", label " << label;
    }
  }
  for (const auto& [name, m] : shown) {
    ASSERT_TRUE(served.contains(name)) << name << " is in docs/metrics.md only";
    EXPECT_EQ(served.at(name).labels.size(), m.labels.size()) << name;
  }
}

TEST(reference, each_parameter_is_refused_with_what_the_table_allows) {
  const whole_shop f;
  const server s({"--config", f.config()});
  const std::regex range(R"(a whole number (\d+)\.\.(\d+))");
  int asked = 0;
  for (const auto& row : rows_of("docs/routes.md")) {
    const bool is_parameter = row.size() == 5 && row[1].starts_with('`');
    if (!is_parameter) {
      continue;
    }
    const auto name = plain(row[1]);
    const auto& allowed = row[2];
    std::smatch bounds;
    std::string value;
    std::string found = "nothing";
    if (std::regex_match(allowed, bounds, range)) {
      value = std::to_string(std::stoull(bounds[2]) + 1);
    } else if (allowed == "0 or 1") {
      value = "2";
    } else if (!allowed.ends_with(" bytes")) {
      continue;  // it depends on the database
    }
    if (!value.empty()) {
      found = "\"" + value + "\"";
    }
    const auto route = plain(row[0]);  // "GET /query/{database}"
    const auto method = route.substr(0, route.find(' '));
    auto target = route.substr(route.find(' ') + 1);
    const bool of_database = target == "/query/{database}";
    target = of_database ? "/query/sqlite?report=cross&" : target + "?";
    if (target.starts_with("/search") && name != "pattern") {
      target += "pattern=x&";
    }
    const auto answer =
        json::parse(s.curl(target + name + "=" + value, {"-X", method, "--max-time", "10"}).output,
                    nullptr, false);
    ASSERT_TRUE(answer.is_object()) << target << name;
    EXPECT_EQ(answer["detail"],
              "parameter \"" + name + "\": found " + found + ", allowed " + allowed)
        << route;
    ++asked;
  }
  EXPECT_GT(asked, 15);
}

TEST(reference, each_example_of_the_table_of_routes_is_answered) {
  const whole_shop f;
  const server s({"--config", f.config()});
  const std::regex example("Example: `([^`]*)`");
  int asked = 0;
  for (const auto& row : rows_of("docs/routes.md")) {
    std::smatch found;
    if (row.size() == 5 && std::regex_search(row[1], found, example)) {
      EXPECT_EQ(
          s.curl(found[1].str(), {"-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20"})
              .output,
          "200")
          << found[1];
      ++asked;
    }
  }
  EXPECT_GT(asked, 8);
}

}  // namespace
}  // namespace hangup::system_test
