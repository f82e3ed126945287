#include "http/run/form.h"

#include <gtest/gtest.h>

#include "hangup/http/detail/httplib_call.h"
#include "hangup/http/problem.h"

namespace hangup::http {
namespace {

form_is read_body_of(const std::string& type, const std::string& body) {
  std::vector<form_field> fields;
  const auto is = read_form(type, body, fields);
  EXPECT_LE(fields.size(), most_form_fields);
  return is;
}

std::vector<form_field> fields_of(const std::string& type, const std::string& body) {
  const request req("POST", "/?from=the+query", {{"Content-Type", type}}, body);
  return form_of(req);
}

constexpr const char* urlencoded = "application/x-www-form-urlencoded";

TEST(form, that_is_urlencoded_gives_its_fields_decoded_once) {
  const auto all =
      fields_of("Application/X-WWW-Form-URLencoded; charset=utf-8", "a=1+2&b=%26&c&a=%2541");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].name, "a");
  EXPECT_EQ(all[0].value, "1 2");
  EXPECT_EQ(all[1].value, "&");
  EXPECT_EQ(all[2].name, "c");
  EXPECT_EQ(all[3].value, "%41");
}

TEST(form, that_is_urlencoded_adds_to_the_parameters_of_a_handler_of_cpp_httplib) {
  const request req("POST", "/?from=the+query", {{"Content-Type", urlencoded}}, "a=1+2&b=%26&c");
  httplib::Request same;
  detail::fill(same, req);
  EXPECT_EQ(same.params.size(), 4U);
  EXPECT_EQ(same.get_param_value("from"), "the query");
  EXPECT_EQ(same.get_param_value("a"), "1 2");
  EXPECT_TRUE(same.has_param("c"));
}

TEST(form, larger_than_8_KiB_is_read) {
  EXPECT_EQ(fields_of(urlencoded, "a=" + std::string(100'000, 'x')).at(0).value.size(), 100'000U);
}

TEST(form, has_a_bounded_number_of_fields) {
  std::string most;
  for (std::size_t i = 0; i < most_form_fields; ++i) {
    most += "a&";
  }
  EXPECT_EQ(read_body_of(urlencoded, most), form_is::urlencoded);
  EXPECT_EQ(read_body_of(urlencoded, most + "a"), form_is::too_many_fields);
  std::string parts;
  for (std::size_t i = 0; i < most_form_fields; ++i) {
    parts += "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  }
  EXPECT_EQ(read_body_of("multipart/form-data; boundary=b", parts + "--b--"), form_is::multipart);
  EXPECT_EQ(read_body_of("multipart/form-data; boundary=b",
                         parts + "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--"),
            form_is::too_many_fields);
}

TEST(form, is_none_where_the_content_type_does_not_say_so) {
  for (const auto* type : {"", "text/plain", "application/json", "multipart/mixed; boundary=b"}) {
    EXPECT_EQ(read_body_of(type, "a=1"), form_is::none) << type;
  }
}

constexpr const char* two_parts =
    "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
    "--x y\r\ncontent-type: text/csv\r\nContent-Disposition: form-data; name=\"b;\"; "
    "filename=\"c \\\"d\\\".csv\"\r\n\r\n1,2\r\n\r\n--x\r\n"
    "--x y--\r\nbehind it";

constexpr const char* two_parts_type = "multipart/form-data; charset=x; boundary=\"x y\"";

TEST(form, that_is_multipart_gives_its_fields_and_files) {
  const auto all = fields_of(two_parts_type, two_parts);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "a");
  EXPECT_EQ(all[0].value, "one");
  EXPECT_EQ(all[0].filename + all[0].content_type, "");
  EXPECT_EQ(all[1].name, "b;");
  EXPECT_EQ(all[1].value, "1,2\r\n\r\n--x");
  EXPECT_EQ(all[1].filename, "c \"d\".csv");
  EXPECT_EQ(all[1].content_type, "text/csv");
}

template <class Request>
void expect_two_parts(Request& req) {
  if constexpr (requires { req.files; }) {
    ASSERT_EQ(req.files.size(), 2U);
    EXPECT_EQ(req.get_file_value("a").content, "one");
    const auto file = req.get_file_value("b;");
    EXPECT_EQ(file.content, "1,2\r\n\r\n--x");
    EXPECT_EQ(file.filename, "c \"d\".csv");
    EXPECT_EQ(file.content_type, "text/csv");
  } else {
    EXPECT_EQ(req.form.fields.size() + req.form.files.size(), 2U);
  }
}

TEST(form, that_is_multipart_is_the_same_to_a_handler_of_cpp_httplib) {
  const request req("POST", "/", {{"Content-Type", two_parts_type}}, two_parts);
  httplib::Request same;
  detail::fill(same, req);
  expect_two_parts(same);
}

TEST(form, that_cannot_be_read_is_a_problem) {
  const auto status = [](const std::string& type, const std::string& body) {
    try {
      fields_of(type, body);
    } catch (const problem_error& e) {
      return e.status();
    }
    return 200;
  };
  std::string many;
  for (std::size_t i = 0; i <= most_form_fields; ++i) {
    many += "a&";
  }
  EXPECT_EQ(status(urlencoded, many), 413);
  EXPECT_EQ(status("multipart/form-data; boundary=b", "no form"), 400);
  EXPECT_EQ(status("text/plain", "no form"), 200);
}

TEST(form, that_is_not_what_it_says_is_malformed) {
  const std::string type = "multipart/form-data; boundary=b";
  for (const auto* body : {"", "a", "--b", "--b\r\n", "--b\r\nX: y\r\n\r\n1\r\n--b--",
                           "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
                           "--bContent\r\n--b--", "--b\r\nno colon\r\n\r\n1\r\n--b--",
                           "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--"}) {
    EXPECT_EQ(read_body_of(type, body), form_is::malformed) << body;
  }
  EXPECT_EQ(read_body_of("multipart/form-data", "--\r\n"), form_is::malformed);
  EXPECT_EQ(read_body_of("multipart/form-data; boundary=" + std::string(71, 'b'), "x"),
            form_is::malformed);
}

}  // namespace
}  // namespace hangup::http
