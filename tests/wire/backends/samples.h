// Requests that are sent to several servers, byte for byte. Where one of them is known to answer
// otherwise than cpp-httplib's own server, it is said here, and in docs/cpp-httplib.md.
#pragma once

#include <string>
#include <vector>

#include "tests/support/client.h"

namespace hangup::wire {

struct sample {
  const char* what;
  std::string request;
  // The status that `hosted` answers with, if its answer is another one; 0: the same answer.
  int hosted = 0;
  bool native = false;  // hangup's own server, with the same handler, gives the same answer
  const char* hosted_body = nullptr;  // the body of the answer of `hosted`, if it is another one
};

inline std::string closing(const std::string& path, const std::string& headers = {}) {
  return test::get(path, "Connection: close\r\n" + headers);
}
inline std::string closing_post(const std::string& path, const std::string& body,
                                const std::string& headers = {}) {
  return test::post(path, body, "Connection: close\r\n" + headers);
}
inline std::string with_method(const std::string& method, const std::string& request) {
  return method + request.substr(request.find(' '));
}

inline std::vector<sample> samples() {
  const std::string multipart =
      "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
      "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n"
      "Content-Type: text/plain\r\n\r\nfile\r\n--b--\r\n";
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  const std::string parts = "Content-Type: multipart/form-data; boundary=b\r\n";
  const std::string chunks = "4\r\nfour\r\n5;x=y\r\nfives\r\n0\r\n\r\n";
  std::string many;
  for (int i = 0; i < 120; ++i) {
    many += "X-" + std::to_string(i) + ": 1\r\n";
  }
  const std::string chunked =
      "Host: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  return {
      {"a small answer", closing("/fast"), 0, true},
      {"HTTP/1.0", "GET /fast HTTP/1.0\r\n\r\n"},
      {"HEAD", with_method("HEAD", closing("/fast"))},
      {"a regular expression", closing("/numbers/42")},
      {"one that does not match", closing("/numbers/x")},
      {"a named segment", closing("/named/7/of/nine")},
      {"encoded segments", closing("/named/a%20b/of/%C3%A9")},
      {"parameters", closing("/params?a=1&b=two%20words&c=%2B&d=+&e"), 0, true},
      {"a header", closing("/header", "X-Text: some text\r\n"), 0, true},
      {"a header with an encoded text", closing("/header", "X-Text: a%20b\r\n"), 0, false,
       "[a%20b]"},  // old versions decode headers
      {"no such path", closing("/none")},
      {"a body", closing_post("/echo", "hello"), 0, true},
      {"an empty body", closing_post("/echo", "")},
      {"a large body", closing_post("/echo", std::string(90'000, 'b'))},
      {"a body that is too large", closing_post("/echo", std::string(200'000, 'b'))},
      {"a chunked body", "POST /echo HTTP/1.1\r\n" + chunked + chunks, 0, true},
      {"PUT", with_method("PUT", closing_post("/echo", "put"))},
      {"PATCH", with_method("PATCH", closing_post("/echo", "patch"))},
      {"DELETE", with_method("DELETE", closing_post("/echo", "delete"))},
      {"OPTIONS", with_method("OPTIONS", closing("/echo"))},
      {"a form", closing_post("/form", "a=1&b=%C3%A9+x", form), 0, true},
      {"a multipart form", closing_post("/form", multipart, parts)},
      {"a content reader", closing_post("/reader", "read me")},
      {"a content reader of chunks", "POST /reader HTTP/1.1\r\n" + chunked + chunks},
      {"Expect: 100-continue", closing_post("/echo", "later", "Expect: 100-continue\r\n")},
      {"an expectation that is refused",
       closing_post("/echo", "all the same", "Expect: 100-continue\r\nX-Refuse: yes\r\n"),
       417},  // the base sends a second answer behind it
      {"a range", closing("/range", "Range: bytes=2-5\r\n"), 0, true},
      {"a range from the end", closing("/range", "Range: bytes=-3\r\n"), 0, true},
      {"two ranges", closing("/range", "Range: bytes=0-1,4-5\r\n")},
      {"a range that is not there", closing("/range", "Range: bytes=50-60\r\n")},
      {"a provider", closing("/length"), 0, true},
      {"a range of a provider", closing("/length", "Range: bytes=3-12\r\n"), 0, true},
      {"a chunked provider", closing("/chunks"), 0, true},
      {"HEAD of a provider", with_method("HEAD", closing("/length"))},
      {"gzip, where it is compiled in", closing("/compressed", "Accept-Encoding: gzip\r\n")},
      {"a redirect", closing("/elsewhere")},
      {"another status", closing("/teapot"), 0, true},
      {"204", closing("/empty")},
      {"an exception", closing("/throws")},
      {"refused before routing", closing("/private/x")},
      {"a file", closing("/files/a.txt")},
      {"HEAD of a file", with_method("HEAD", closing("/files/a.txt"))},
      {"a range of a file", closing("/files/a.txt", "Range: bytes=1-3\r\n")},
      {"a file that is known", closing("/files/a.txt", "If-None-Match: *\r\n")},
      {"a range of a file that is another",
       closing("/files/a.txt", "Range: bytes=1-3\r\nIf-Range: \"x\"\r\n")},
      {"no such file", closing("/files/none.txt")},
      {"out of the mount", closing("/files/../secret.txt")},
      {"no HTTP", "GET /fast\r\n\r\n", 400},
      {"another version", "GET /fast HTTP/9.9\r\nHost: x\r\n\r\n", 505},
      {"no Host", "GET /fast HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
      {"two Hosts", closing("/fast", "Host: other\r\n"), 400},
      {"a method that is none", with_method("FOO", closing("/fast")), 501},
      {"a fragment in the target", closing("/fast#x"), 400},
      {"a NUL in the path", closing("/fast%00"), 400},
      {"an expectation that is none", closing("/fast", "Expect: something\r\n"), 417},
      {"many header lines", closing("/fast", many), 431},
      {"a long target", closing("/fast?" + std::string(9000, 'x')), 414},
      {"an absolute target", closing("http://test/fast"), 200},
  };
}

// Those that the native server answers alike.
inline std::vector<std::size_t> samples_for_native() {
  std::vector<std::size_t> all;
  const auto of = samples();
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (of[i].native) {
      all.push_back(i);
    }
  }
  return all;
}

}  // namespace hangup::wire
