// A stranger's head. Whatever the bytes: no crash, an answer that more bytes do not contradict, and
// a handler gets just what was vetted: each header value to the byte, the query decoded once.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "http/head.h"
#include "http/incoming.h"
#include "http/trace.h"

using namespace hangup::http;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

// %XX and '+', by another way than the one that is tested: with strtoul.
std::string plain(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto hex = text.substr(i + 1, 2);
    const bool escape = text[i] == '%' && hex.size() == 2 &&
                        hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    out.push_back(escape ? static_cast<char>(std::strtoul(hex.c_str(), nullptr, 16))
                         : (text[i] == '+' ? ' ' : text[i]));
    i += escape ? 2 : 0;
  }
  return out;
}

httplib::Params decoded(std::string_view query) {
  httplib::Params all;
  std::stringstream parts{std::string(query)};
  for (std::string part; std::getline(parts, part, '&');) {
    const auto equals = std::min(part.find('='), part.size());
    if (equals > 0) {
      all.emplace(plain(part.substr(0, equals)),
                  plain(part.substr(std::min(equals + 1, part.size()))));
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  head_limits limits;
  limits.bytes = 2048;
  limits.headers = 20;
  request_head head;
  refusal why;
  const auto is = read_head(bytes, limits, head, why);

  // With less of it, the answer is the same or it is still incomplete.
  request_head less_head;
  refusal less_why;
  const auto less = read_head(bytes.substr(0, size / 2), limits, less_head, less_why);
  require(less == head_is::incomplete || less == is);

  if (is == head_is::refused) {
    require(why.status >= 400 && why.status < 600 && !why.detail.empty());
  } else if (is == head_is::whole) {
    require(head.size > 0 && head.size <= size && bytes.substr(head.size - 4, 4) == "\r\n\r\n");
    require(!head.chunked || head.content_length == 0);
    const auto journey = trace::continued(head.traceparent, head.tracestate);
    const auto next = trace::continued(journey.header(), journey.state());
    require(next.trace_id() == journey.trace_id() && next.parent_id() == journey.span_id());
    require(next.state() == journey.state() && journey.state().size() <= 512);
    const auto req = request_for_handler(head, {});
    require(req->headers.size() == head.headers.size());
    for (const auto& [name, value] : head.headers) {
      const auto [first, last] = req->headers.equal_range(std::string(name));
      require(std::any_of(first, last, [v = value](const auto& h) { return h.second == v; }));
      require(std::none_of(value.begin(), value.end(), is_control));
    }
    require(req->target == head.target && req->path == head.path && req->method == head.method);
    require(req->params == decoded(head.query));
  }
  return 0;
}
