// A stranger's head. Whatever the bytes: no crash, an answer that more bytes do not contradict, and
// a handler gets just what was vetted: each header value to the byte, the query decoded once.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include "hangup/http/detail/httplib_call.h"
#include "hangup/http/trace.h"
#include "http/exchange/incoming.h"
#include "http/wire/authority.h"
#include "http/wire/head.h"
#include "http/wire/header_list.h"

using namespace hangup::http;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// Nothing of what a header value may hold: written again, by other means than http::is_control.
bool is_no_part_of_a_value(char c) {
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

std::vector<std::pair<std::string, std::string>> decoded(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> all;
  std::stringstream parts{std::string(query)};
  for (std::string part; std::getline(parts, part, '&');) {
    const auto equals = std::min(part.find('='), part.size());
    if (equals > 0) {
      all.emplace_back(plain(part.substr(0, equals)),
                       plain(part.substr(std::min(equals + 1, part.size()))));
    }
  }
  return all;
}

// However a list is read, its pieces stand in it, one behind the other and without blanks around
// them.
void require_a_list(std::string_view value) {
  for (const auto what : {list_of::values, list_of::comments}) {
    const char* behind = value.data();
    for_each_element(
        value,
        [&](std::string_view element) {
          require(!element.empty() && trimmed(element) == element);
          require(element.data() >= behind);
          behind = element.data() + element.size();
          require(behind <= value.data() + value.size());
          std::size_t parts = 0;
          for_each_part(element, [&](const list_part& part) {
            ++parts;
            require(part.name.size() + part.value.size() <= element.size());
            require(unquoted(part.value).size() <= part.value.size());
          });
          require(parts > 0);
        },
        what);
  }
  const auto weight = weight_in(value, "*").value_or(0);
  require(weight >= 0 && weight <= 1000);
}

// The path is the target's: nothing but a slash has become a slash, and no dots have gone.
void require_path(const request_head& head) {
  if (head.path == "*") {
    require(head.method == "OPTIONS");
    return;
  }
  const auto end = head.target.data() + head.target.size() -
                   (head.query.data() != nullptr ? head.query.size() + 1 : 0);
  std::string_view raw(head.target.data(), static_cast<std::size_t>(end - head.target.data()));
  if (raw.empty() || raw.front() != '/') {  // "http://host/path"
    const auto path = raw.find('/', raw.find("//") + 2);
    raw = path == std::string_view::npos ? "/" : raw.substr(path);
  }
  require(std::count(raw.begin(), raw.end(), '/') ==
          std::count(head.path.begin(), head.path.end(), '/'));
  require(head.path.front() == '/' && head.path.find('\0') == std::string::npos);
}

// A native handler and one of cpp-httplib get the same: what was vetted, and nothing else.
void require_what_was_vetted(const request_head& head) {
  static const peer nobody;
  const auto req = request_for_handler(head, {}, nobody);
  require(req->headers().size() == head.headers.size());
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    const auto& [name, value] = head.headers[i];
    require(req->headers()[i].name == name && req->headers()[i].value == value);
    require(std::none_of(value.begin(), value.end(), is_no_part_of_a_value));
    require(req->header(name).has_value() && req->count_header(name) >= 1);
  }
  require(req->target() == head.target && req->path() == head.path &&
          req->method() == head.method && req->is_http_1_0() != head.http_1_1);
  const auto expected = decoded(head.query);
  require(req->parameters().size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    require(req->parameters()[i].name == expected[i].first &&
            req->parameters()[i].value == expected[i].second);
  }
  httplib::Request same;
  detail::fill(same, *req);
  require(same.headers.size() == head.headers.size());
  for (const auto& [name, value] : head.headers) {
    const auto [first, last] = same.headers.equal_range(std::string(name));
    require(std::any_of(first, last, [v = value](const auto& h) { return h.second == v; }));
  }
  require(same.target == head.target && same.path == head.path && same.method == head.method);
  require(same.params == httplib::Params(expected.begin(), expected.end()));
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
    require(head.header("Host").empty() || is_authority(head.header("Host")));
    require_path(head);
    for (const auto& [name, value] : head.headers) {
      require(is_token(name) && trimmed(value) == value);
      require_a_list(value);
    }
    const auto journey = trace::continued(head.traceparent, head.tracestate);
    const auto next = trace::continued(journey.header(), journey.state());
    require(next.trace_id() == journey.trace_id() && next.parent_id() == journey.span_id());
    require(next.state() == journey.state() && journey.state().size() <= 512);
    require_what_was_vetted(head);
  }
  return 0;
}
