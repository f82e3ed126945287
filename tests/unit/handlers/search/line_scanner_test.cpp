// The search in one file against a reference that takes each line by itself, at many sizes of the
// buffer, so that lines and matches lie across every border.
#include "handlers/search/line_scanner.h"

#include <fcntl.h>
#include <re2/re2.h>
#include <sys/mman.h>

#include <random>

#include "handlers/search/required_literal.h"
#include "tests/unit/handlers/search/search_support.h"

namespace hangup::search {
namespace {

struct hit {
  std::uint64_t number;
  std::uint64_t column;
  bool operator==(const hit&) const = default;
};

struct collector final : line_listener {
  std::error_code on_line(const found_line& line) override {
    hits.push_back({line.number, line.column});
    texts.emplace_back(line.text);
    truncated.push_back(line.truncated);
    return {};
  }
  std::error_code on_bytes(std::size_t count) override {
    bytes += count;
    return {};
  }
  std::vector<hit> hits;
  strings texts;
  std::vector<bool> truncated;
  std::size_t bytes = 0;
};

descriptor file_of(const std::string& bytes) {
  descriptor fd(::memfd_create("text", MFD_CLOEXEC));
  for (std::size_t at = 0; at < bytes.size();) {
    at += static_cast<std::size_t>(
        ::pwrite(fd.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at)));
  }
  return fd;
}

line_matcher compiled(std::string_view pattern, bool regex) {
  std::string reason;
  auto made = line_matcher::compile(pattern, regex, reason);
  EXPECT_TRUE(made) << pattern << ": " << reason;
  return std::move(*made);
}

collector scanned(const std::string& bytes, std::string_view pattern, bool regex,
                  std::size_t buffer = line_scanner::default_buffer) {
  const line_matcher matcher = compiled(pattern, regex);
  line_scanner scanner(matcher, buffer);
  const descriptor fd = file_of(bytes);
  collector out;
  const file_end end = scanner.scan(background(), fd.get(), bytes.size(), out);
  EXPECT_FALSE(end.stopped || end.broken || end.binary);
  EXPECT_EQ(out.bytes, bytes.size());
  return out;
}

// As it is to be searched: without the CR of CRLF, nor one at the very end.
std::string with_plain_ends(const std::string& bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] != '\r' || (at + 1 < bytes.size() && bytes[at + 1] != '\n')) {
      text += bytes[at];
    }
  }
  return text;
}

std::vector<hit> reference(const std::string& read, const std::string& pattern, bool regex) {
  const std::string bytes = with_plain_ends(read);
  RE2::Options options;
  options.set_literal(!regex);
  const RE2 re(pattern, options);  // of one line: ^ and $ are its ends
  std::vector<hit> hits;
  std::uint64_t number = 1;
  for (std::size_t at = 0; at < bytes.size(); ++number) {
    const std::size_t end = std::min(bytes.find('\n', at), bytes.size());
    const re2::StringPiece line(bytes.data() + at, end - at);
    re2::StringPiece match;
    if (re.Match(line, 0, line.size(), RE2::UNANCHORED, &match, 1)) {
      hits.push_back({number, static_cast<std::uint64_t>(match.data() - line.data()) + 1});
    }
    at = end + 1;
  }
  return hits;
}

std::string random_text(std::mt19937& random, std::size_t size, std::size_t longest) {
  std::string text;
  while (text.size() < size) {
    for (auto left = random() % longest; left > 0; --left) {
      text += "ab c"[random() % 4];
    }
    text += random() % 9 == 0 ? "\r" : "";
    text += random() % 9 == 0 ? "\r\n" : "\n";
  }
  if (random() % 2 == 0) {
    text.pop_back();
  }
  return text;
}

TEST(line_scanner, literals_are_found_as_by_a_look_at_each_line_whatever_the_buffer) {
  std::mt19937 random(20261);
  for (std::size_t buffer = 32; buffer < 140; ++buffer) {
    const std::string text = random_text(random, 3000, 1 + random() % 200);
    for (const std::string pattern : {"a", "ab", "abc", "a b c", " \r", "\r", "bb aa b"}) {
      EXPECT_EQ(scanned(text, pattern, false, buffer).hits, reference(text, pattern, false))
          << pattern << " " << buffer;
    }
  }
}

TEST(line_scanner, expressions_are_found_as_by_a_look_at_each_line_whatever_the_buffer) {
  std::mt19937 random(20262);
  for (std::size_t buffer = 128; buffer < 300; ++buffer) {  // lines are up to half of it
    const std::string text = random_text(random, 3000, 60);
    for (const std::string pattern :
         {"a[^b]b", "^a", "c$", "^$", "x*", "\\bab\\b", "\\Bc\\B", "^b.*c\\s*$", "\\Ab", "(?-m)^ab",
          "b\\z", "a\\Cb", "aba+[^a]", "(a|b c)c", "bab[^b]{3,5}b$", "\\W", "(?s)a.b.c", "ab{0}cc",
          "cba?b *c"}) {
      EXPECT_EQ(scanned(text, pattern, true, buffer).hits, reference(text, pattern, true))
          << pattern << " " << buffer;
    }
  }
}

TEST(line_scanner, lines_longer_than_the_buffer_keep_anchors_words_and_numbers_right) {
  std::mt19937 random(20263);
  for (std::size_t buffer = 64; buffer < 200; buffer += 3) {
    const std::string text = random_text(random, 6000, 900);
    for (const std::string pattern : {"^a", "c$", "^$", "\\bab\\b", "\\Ab", "b\\z", "ab[^a]c",
                                      "bbbb", "\\Bc\\B", "\r", "a\\s$"}) {
      EXPECT_EQ(scanned(text, pattern, true, buffer).hits, reference(text, pattern, true))
          << pattern << " " << buffer;
    }
  }
}

TEST(line_scanner, at_its_usual_size_it_agrees_on_megabytes_of_short_and_long_lines) {
  std::mt19937 random(20264);
  for (const std::size_t longest : {100U, 30'000U, 200'000U}) {
    const std::string text = random_text(random, 1'500'000, longest);
    for (const std::string pattern : {"abcabcab", "^ab c", "c b a$", "a[abc]{9}bbb"}) {
      EXPECT_EQ(scanned(text, pattern, true).hits, reference(text, pattern, true)) << pattern;
    }
    EXPECT_EQ(scanned(text, "abcabcab", false).hits, reference(text, "abcabcab", false));
  }
}

TEST(line_scanner, the_text_of_a_line_is_without_its_end) {
  const auto out = scanned("one x\r\ntwo\nx three\r\nx", "x", false);
  EXPECT_EQ(out.texts, (strings{"one x", "x three", "x"}));
  EXPECT_EQ(out.hits, (std::vector<hit>{{1, 5}, {3, 1}, {4, 1}}));
  EXPECT_EQ(out.truncated, (std::vector<bool>{false, false, false}));
}

TEST(line_scanner, the_text_of_a_long_line_is_what_surrounds_the_match_in_whole_characters) {
  std::string line;
  for (int i = 0; i < 1000; ++i) {
    line += "\xC3\xA4";  // two bytes
  }
  const auto out = scanned(line + "!needle" + line + "\n", "needle", false);
  ASSERT_EQ(out.texts.size(), 1U);
  const std::string& text = out.texts[0];
  EXPECT_TRUE(out.truncated[0]);
  EXPECT_LE(text.size(), line_scanner::max_text);
  EXPECT_GE(text.size(), line_scanner::max_text - 2);
  EXPECT_NE(text.find("needle"), std::string::npos);
  EXPECT_EQ(text[0], '\xC3');
  EXPECT_EQ(text.back(), '\xA4');
  EXPECT_EQ(out.hits[0], (hit{1, 2002}));
}

TEST(line_scanner, what_ends_a_line_is_not_matched) {
  const std::string text = "with needle\r\nother\r\n\r\n a\rb \r\r\nlast needle\r";
  EXPECT_EQ(scanned(text, "needle$", true).hits, (std::vector<hit>{{1, 6}, {5, 6}}));
  EXPECT_EQ(scanned(text, "\\s$", true).hits, (std::vector<hit>{{4, 6}}));
  EXPECT_EQ(scanned(text, "^.{5}$", true).hits, (std::vector<hit>{{2, 1}}));
  EXPECT_EQ(scanned(text, "^$", true).hits, (std::vector<hit>{{3, 1}}));
  EXPECT_EQ(scanned(text, "\r", false).texts, (strings{" a\rb \r"}));
  EXPECT_EQ(scanned(text, "needle", false).texts, (strings{"with needle", "last needle"}));
}

TEST(line_scanner, a_byte_order_mark_is_no_part_of_the_first_line) {
  const std::string mark = "\xEF\xBB\xBF";
  const auto out = scanned(mark + "needle first\nneedle second\n", "^needle", true);
  EXPECT_EQ(out.hits, (std::vector<hit>{{1, 1}, {2, 1}}));
  EXPECT_EQ(out.texts, (strings{"needle first", "needle second"}));
  EXPECT_EQ(scanned(mark + "ab", "b", false).hits, (std::vector<hit>{{1, 2}}));
  EXPECT_EQ(scanned(mark + "\r\nx", "^$", true).hits, (std::vector<hit>{{1, 1}}));
  EXPECT_EQ(scanned("a\n" + mark + "b\n", "^b", true).hits.size(), 0U)
      << "in the middle it is text";
  EXPECT_EQ(scanned(mark, ".*", true).hits.size(), 0U) << "no line at all";
  const std::string long_line(500, 'a');  // longer than the buffer
  EXPECT_EQ(scanned(mark + long_line + "b", "b$", true, 64).hits, (std::vector<hit>{{1, 501}}));
}

TEST(line_scanner, utf_16_is_binary_also_where_it_has_no_zero_byte) {
  const line_matcher matcher = compiled("a", false);
  line_scanner scanner(matcher);
  for (const std::string text : {"\xFF\xFE"
                                 "a\x4e\x4f\x4e",
                                 "\xFE\xFF\x4e"
                                 "a",
                                 "\xFF\xFE"}) {
    const descriptor fd = file_of(text);
    collector out;
    EXPECT_TRUE(scanner.scan(background(), fd.get(), text.size(), out).binary);
    EXPECT_TRUE(out.hits.empty());
  }
  EXPECT_EQ(scanned("a\xFF\xFE", "a", false).hits.size(), 1U);
}

TEST(line_scanner, a_file_that_says_it_is_empty_is_read_nevertheless) {  // as those of /proc
  const line_matcher matcher = compiled("x", false);
  line_scanner scanner(matcher);
  const descriptor fd = file_of("a\nx\n");
  collector out;
  scanner.scan(background(), fd.get(), 0, out);
  EXPECT_EQ(out.hits, (std::vector<hit>{{2, 1}}));
}

TEST(line_scanner, an_expression_never_matches_across_lines) {
  for (const std::string pattern : {"a[^z]b", "a\\sb", "a\\Cb", "(?s)a.b", "a\\x0ab", "a\\Wb"}) {
    EXPECT_TRUE(scanned("a\nb\n", pattern, true).hits.empty()) << pattern;
  }
}

TEST(required_literal, is_found_where_it_is_plain_and_given_up_elsewhere) {
  EXPECT_EQ(required_literal("foo.*barbaz"), "barbaz");
  EXPECT_EQ(required_literal("[0-9]+ errors?"), " error");
  EXPECT_EQ(required_literal("a\\.b\\.cx*"), "a.b.c");
  EXPECT_EQ(required_literal("(abc|def)ghij{2}"), "ghi");
  EXPECT_EQ(required_literal("[]abc]xyz[[:alpha:]]uv"), "xyz");
  EXPECT_EQ(required_literal("abc+def"), "abc");
  for (const auto* pattern : {"abc|def", "(?i)abcdef", "\\Qabc\\E*", "\\x41bcd", "abc+{0}", "ab",
                              "", "(abc)*", "\\pLabc"}) {
    EXPECT_EQ(required_literal(pattern), "") << pattern;
  }
}

TEST(line_matcher, refuses_with_a_reason) {
  std::string reason;
  EXPECT_FALSE(line_matcher::compile("", false, reason));
  EXPECT_EQ(reason, "the pattern is empty");
  EXPECT_FALSE(line_matcher::compile(std::string(1001, 'x'), false, reason));
  EXPECT_FALSE(line_matcher::compile("a\nb", false, reason));
  EXPECT_FALSE(line_matcher::compile("(abc", true, reason));
  EXPECT_EQ(reason, "missing ): (abc");
  EXPECT_FALSE(line_matcher::compile("a**", true, reason));
  EXPECT_EQ(reason, "bad repetition operator: **");
  EXPECT_FALSE(line_matcher::compile("\xFF", true, reason));
  EXPECT_EQ(reason, "invalid UTF-8");
  EXPECT_FALSE(line_matcher::compile("\\pL{900}", true, reason));
  EXPECT_EQ(reason, "pattern too large - compile failed");
  EXPECT_FALSE(line_matcher::compile("\\pL{20}", true, reason));
  EXPECT_EQ(reason, "pattern too large");
  EXPECT_TRUE(line_matcher::compile("\xFF", false, reason));  // bytes
}

}  // namespace
}  // namespace hangup::search
