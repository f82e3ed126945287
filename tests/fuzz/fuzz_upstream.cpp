// The head of an upstream's answer. Whatever the bytes: no crash, and what is handed on of it is a
// status that a client may see, with headers that are headers and say nothing about the connection.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "handlers/relay/upstream_head.h"
#include "http/wire/grammar.h"

using hangup::handlers::asked_for;
using hangup::handlers::upstream_head;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool has(const upstream_head::headers& all, std::string_view name) {
  return std::any_of(all.begin(), all.end(), [&](const auto& h) { return h.first == name; });
}

void judge(const upstream_head& head, const asked_for& asked) {
  require(head.status() >= 200 && head.status() <= 999);
  const auto why = head.unfit(asked);
  require(hangup::http::is_field_value(why));
  const auto all = head.handed_on();
  for (const auto& [name, value] : all) {
    require(hangup::http::is_token(name) && hangup::http::is_field_value(value));
    for (const std::string_view never :
         {"Connection", "Keep-Alive", "Proxy-Authenticate", "TE", "Trailer", "Transfer-Encoding",
          "Upgrade", "Content-Length", "Set-Cookie", "Location"}) {
      require(!hangup::http::equals_ignoring_case(name, never));
    }
  }
  require(hangup::http::is_field_value(head.content_type()));
  if (why.empty()) {
    require(head.status() < 300 || head.status() == 304 || head.status() >= 400);
    require(head.status() < 600);
    require(head.status() != 206 || (asked.range && has(all, "Content-Range")));
    require(head.status() != 304 || (asked.condition && !head.has_content()));
    require(head.status() != 401 || has(all, "WWW-Authenticate"));
    require(head.status() != 405 || has(all, "Allow"));
    require(head.status() != 407 && head.status() != 426);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  upstream_head head;
  while (!bytes.empty() && !head.whole()) {
    const auto end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
    if (!head.take(bytes.substr(0, end))) {
      return 0;
    }
    bytes.remove_prefix(end);
  }
  if (head.whole()) {
    for (const bool range : {false, true}) {
      for (const bool condition : {false, true}) {
        judge(head, {.range = range, .condition = condition});
      }
    }
  }
  return 0;
}
