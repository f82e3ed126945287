#include "http/run/form.h"

#include <gtest/gtest.h>

namespace hangup::http {
namespace {

httplib::Request posted(const std::string& type, const std::string& body) {
  httplib::Request req;
  req.method = "POST";
  req.headers.emplace("Content-Type", type);
  req.body = body;
  return req;
}

form_is read(const std::string& type, const std::string& body) {
  auto req = posted(type, body);
  return read_form(req);
}

constexpr const char* urlencoded = "application/x-www-form-urlencoded";

TEST(form, that_is_urlencoded_adds_to_the_parameters_of_the_query) {
  auto req = posted("Application/X-WWW-Form-URLencoded; charset=utf-8", "a=1+2&b=%26&c");
  req.params.emplace("from", "the query");
  EXPECT_EQ(read_form(req), form_is::read);
  EXPECT_EQ(req.params.size(), 4U);
  EXPECT_EQ(req.get_param_value("a"), "1 2");
  EXPECT_EQ(req.get_param_value("b"), "&");
  EXPECT_TRUE(req.has_param("c"));
}

TEST(form, larger_than_8_KiB_is_read) {
  auto req = posted(urlencoded, "a=" + std::string(100'000, 'x'));
  EXPECT_EQ(read_form(req), form_is::read);
  EXPECT_EQ(req.get_param_value("a").size(), 100'000U);
}

TEST(form, has_a_bounded_number_of_fields) {
  std::string most;
  for (std::size_t i = 0; i < most_form_fields; ++i) {
    most += "a&";
  }
  EXPECT_EQ(read(urlencoded, most), form_is::read);
  EXPECT_EQ(read(urlencoded, most + "a"), form_is::too_many_fields);
  std::string parts;
  for (std::size_t i = 0; i < most_form_fields; ++i) {
    parts += "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n";
  }
  EXPECT_EQ(read("multipart/form-data; boundary=b", parts + "--b--"), form_is::read);
  EXPECT_EQ(read("multipart/form-data; boundary=b",
                 parts + "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b--"),
            form_is::too_many_fields);
}

TEST(form, is_none_where_the_content_type_does_not_say_so) {
  for (const auto* type : {"", "text/plain", "application/json", "multipart/mixed; boundary=b"}) {
    EXPECT_EQ(read(type, "a=1"), form_is::none) << type;
  }
}

constexpr const char* two_parts =
    "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
    "--x y\r\ncontent-type: text/csv\r\nContent-Disposition: form-data; name=\"b;\"; "
    "filename=\"c \\\"d\\\".csv\"\r\n\r\n1,2\r\n\r\n--x\r\n"
    "--x y--\r\nbehind it";

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

TEST(form, that_is_multipart_gives_its_fields_and_files) {
  auto req = posted("multipart/form-data; charset=x; boundary=\"x y\"", two_parts);
  EXPECT_EQ(read_form(req), form_is::read);
  expect_two_parts(req);
}

TEST(form, that_is_not_what_it_says_is_malformed) {
  const std::string type = "multipart/form-data; boundary=b";
  for (const auto* body : {"", "a", "--b", "--b\r\n", "--b\r\nX: y\r\n\r\n1\r\n--b--",
                           "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
                           "--bContent\r\n--b--", "--b\r\nno colon\r\n\r\n1\r\n--b--",
                           "--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--"}) {
    EXPECT_EQ(read(type, body), form_is::malformed) << body;
  }
  EXPECT_EQ(read("multipart/form-data", "--\r\n"), form_is::malformed);
  EXPECT_EQ(read("multipart/form-data; boundary=" + std::string(71, 'b'), "x"), form_is::malformed);
}

}  // namespace
}  // namespace hangup::http
