// Attacks on where a body ends: whoever can make two servers disagree about that hides a request
// between them. (More of them, against more observers: bad_input_test.cpp,
// unit/http/wire/head_test.cpp.)
#include "tests/wire/attack.h"

namespace hangup::wire {
namespace {

std::string with(const std::string& framing, const std::string& body) {
  return "POST /pool/echo HTTP/1.1\r\nHost: test\r\n" + framing + "\r\n" + body + hidden();
}

std::string chunked(const std::string& body) {
  return with("Transfer-Encoding: chunked\r\n", body);
}

std::vector<attack> framings() {
  const std::string end = "0\r\n\r\n";
  return {
      {"a_length_below_zero", 400, with("Content-Length: -1\r\n", "")},
      {"a_length_with_a_plus", 400, with("Content-Length: +0\r\n", "")},
      {"a_length_of_2_to_the_64", 400, with("Content-Length: 18446744073709551616\r\n", "")},
      {"a_length_of_2_to_the_64_minus_1", 413,
       with("Content-Length: 18446744073709551615\r\n", "")},
      {"a_length_of_2_to_the_63", 413, with("Content-Length: 9223372036854775808\r\n", "")},
      {"a_length_of_1000_digits", 400,
       with("Content-Length: " + std::string(1000, '9') + "\r\n", "")},
      {"a_list_of_equal_lengths", 400, with("Content-Length: 5, 5\r\n", "hello")},
      {"a_list_with_an_empty_length", 400, with("Content-Length: 5,\r\n", "hello")},
      {"a_length_with_a_space_in_it", 400, with("Content-Length: 0 5\r\n", "hello")},
      {"a_length_with_a_fraction", 400, with("Content-Length: 5.0\r\n", "hello")},
      {"a_length_with_an_underscore", 400, with("Content-Length: 1_0\r\n", "hello")},
      {"a_length_in_other_digits", 400, with("Content-Length: \xd9\xa5\r\n", "hello")},
      {"a_length_behind_a_vertical_tab", 400,
       with("Content-Length: \x0b"
            "5\r\n",
            "hello")},
      {"three_lengths", 400,
       with("Content-Length: 5\r\nContent-Length: 5\r\ncontent-length: 0\r\n", "hello")},
      {"a_length_and_chunks", 400,
       with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", end)},
      {"chunks_and_a_length_of_zero", 400,
       with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", end)},
      {"chunked_twice_in_two_lines", 400,
       with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", end)},
      {"chunked_twice_in_one_line", 501, with("Transfer-Encoding: chunked, chunked\r\n", end)},
      {"chunked_and_identity", 501, with("Transfer-Encoding: chunked, identity\r\n", end)},
      {"identity_and_chunked", 501, with("Transfer-Encoding: identity, chunked\r\n", end)},
      {"identity_alone", 501, with("Transfer-Encoding: identity\r\n", end)},
      {"xchunked", 501, with("Transfer-Encoding: xchunked\r\n", end)},
      {"chunkedx", 501, with("Transfer-Encoding: chunkedx\r\n", end)},
      {"chunked_in_quotes", 501, with("Transfer-Encoding: \"chunked\"\r\n", end)},
      {"chunked_with_a_comma", 501, with("Transfer-Encoding: chunked,\r\n", end)},
      {"chunked_behind_a_comma", 501, with("Transfer-Encoding: ,chunked\r\n", end)},
      {"chunked_behind_a_vertical_tab", 400,
       with("Transfer-Encoding: \x0b"
            "chunked\r\n",
            end)},
      {"chunked_behind_a_form_feed", 400,
       with("Transfer-Encoding: \x0c"
            "chunked\r\n",
            end)},
      {"chunked_before_a_NUL", 400, with(std::string("Transfer-Encoding: chunked\0\r\n", 29), end)},
      {"chunked_on_a_folded_line", 501, with("Transfer-Encoding:\r\n chunked\r\n", end)},
      {"a_coding_with_a_space_in_its_name", 400, with("Transfer-Encoding : chunked\r\n", end)},
      {"a_coding_behind_a_bare_CR", 400, with("X: y\rTransfer-Encoding: chunked\r\n", end)},
      {"a_coding_behind_a_bare_LF", 400, with("X: y\nTransfer-Encoding: chunked\r\n", end)},
      {"a_coding_whose_name_has_a_NUL", 400,
       with(std::string("Transfer-Encoding\0: chunked\r\n", 29), end)},
      {"a_coding_whose_name_is_in_kelvin", 501,  // U+212A, which lower-cases to k
       with("Transfer-Encoding: chun\xe2\x84\xaa"
            "ed\r\n",
            end)},
      {"a_chunk_below_zero", 400, chunked("-1\r\nx\r\n" + end)},
      {"a_chunk_with_a_space_before_its_size", 400, chunked(" 0\r\n\r\n")},
      {"a_chunk_with_a_tab_behind_its_size", 400, chunked("0\t\r\n\r\n")},
      {"a_chunk_without_a_size", 400, chunked("\r\n\r\n")},
      {"a_chunk_with_an_extension_and_no_size", 400, chunked(";x=y\r\n\r\n")},
      {"a_chunk_of_2_to_the_60", 413, chunked("1000000000000000\r\n")},
      {"a_chunk_of_2_to_the_64", 413, chunked("10000000000000000\r\n")},
      {"a_chunk_of_2_to_the_64_minus_1", 413, chunked("ffffffffffffffff\r\n")},
      {"a_chunk_with_1000_zeros", 400, chunked(std::string(1000, '0') + "\r\n\r\n")},
      {"chunks_that_add_up_to_too_much", 413,
       chunked("400000\r\n" + std::string(0x400000, 'x') + "\r\n400001\r\n")},
      {"a_chunk_that_ends_in_a_bare_LF", 400, chunked("5\nhello\r\n" + end)},
      {"a_chunk_that_ends_in_a_bare_CR", 400, chunked("5\rhello\r\n" + end)},
      {"a_chunk_whose_data_end_in_a_bare_LF", 400, chunked("5\r\nhello\n" + end)},
      {"a_chunk_with_too_much_data", 400, chunked("5\r\nhello!\r\n" + end)},
      {"a_chunk_with_too_little_data", 400, chunked("5\r\nhell\r\n" + end)},
      {"an_extension_of_1_MB", 400,
       chunked("5;" + std::string(1'000'000, 'x') + "\r\nhello\r\n" + end)},
      {"an_extension_with_a_NUL", 400, chunked(std::string("5;\0\r\n", 5) + "hello\r\n" + end)},
      {"an_extension_with_a_bare_LF", 400, chunked("5;x\nhello\r\n" + end)},
      {"an_extension_with_a_bare_CR", 400, chunked("5;x\ry\r\nhello\r\n" + end)},
      {"an_extension_that_quotes_a_line_end", 400, chunked("0;x=\"\r\n\"\r\n\r\n")},
      {"a_request_for_a_trailer", 400, chunked("0\r\n")},
      {"a_trailer_with_a_space_before_its_colon", 400, chunked("0\r\nX : y\r\n\r\n")},
      {"a_trailer_that_is_folded", 400, chunked("0\r\nX: y\r\n z\r\n\r\n")},
      {"a_trailer_that_ends_in_a_bare_LF", 400, chunked("0\r\nX: y\n\r\n")},
      {"a_trailer_with_a_NUL", 400, chunked(std::string("0\r\nX: \0\r\n\r\n", 12))},
      {"a_trailer_of_1_MB", 431, chunked("0\r\nX: " + std::string(1'000'000, 'y') + "\r\n\r\n")},
      {"100000_trailers", 431,
       [&] {
         std::string text = "0\r\n";
         for (int i = 0; i < 100'000; ++i) {
           text += "X:\r\n";
         }
         return chunked(text + "\r\n");
       }()},
      {"a_last_chunk_that_ends_in_LF", 400, chunked("0\r\n\n")},
  };
}

class framing : public testing::TestWithParam<attack> {};

TEST_P(framing, that_is_not_the_one_of_the_standard_is_refused_and_hides_no_request) {  // C44
  live_server server;
  expect_refused(server, GetParam());
}

INSTANTIATE_TEST_SUITE_P(attacks, framing, testing::ValuesIn(framings()), name_of);

// Legal, if odd: the body ends where the standard says, and what follows is the next request.
TEST(framing, that_is_odd_and_legal_is_read_as_the_standard_has_it) {  // C44
  live_server server;
  client c = server.connect();
  std::string extended;  // each of its extensions is as long as one may be
  for (const char letter : std::string_view("hello")) {
    extended += "1;" + std::string(256, 'x') + "\r\n" + letter + "\r\n";
  }
  const std::vector<std::string> framed = {
      "Transfer-Encoding:\tchunked\t\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "transfer-encoding: CHUNKED\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n000000000000005\r\nhello\r\n00\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n" + std::string(200, '0') + "5\r\nhello\r\n0\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n" + extended + "0\r\n\r\n",
      "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nContent-Length: 9\r\n"
      "Transfer-Encoding: gzip\r\nHost: a b\r\nConnection: close\r\n\r\n",
      "Content-Length: \t 000000000000000000000005 \t\r\n\r\nhello",
      "CONTENT-LENGTH:5\r\n\r\nhello",
  };
  for (const auto& f : framed) {
    ASSERT_TRUE(c.send("POST /pool/echo HTTP/1.1\r\nHost: test\r\n" + f + get("/query?next")));
    EXPECT_EQ(c.receive().body, "hello") << f;
    EXPECT_EQ(c.receive().body, "next=\n/query\n/query?next") << f;
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST(framing, of_chunks_that_are_cut_off_is_never_given_to_a_handler) {
  live_server server;
  for (const std::string part :
       {"5", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n0", "0\r\n"}) {
    const auto before = server.seen.all().size();
    client c = server.connect();
    ASSERT_TRUE(c.send(
        "POST /pool/echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" + part));
    c.shutdown_write();
    EXPECT_EQ(c.receive_rest(), "");
    const auto r = server.seen.nth(before);
    EXPECT_EQ(r.end, request_end::client_closed) << part;
    EXPECT_FALSE(r.started);
  }
  EXPECT_TRUE(server.await_no_connections());
}

}  // namespace
}  // namespace hangup::wire
