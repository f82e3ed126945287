// A stranger's head. Whatever the bytes: no crash, an answer that more bytes do not contradict, and
// what is handed on to cpp-httplib is again a whole head of the same meaning.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/head.h"
#include "http/trace.h"

using namespace hangup::http;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
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
    std::string out;
    write_head(head, out);
    request_head again;
    head_limits wide;
    wide.bytes = 1 << 20;
    const auto second = read_head(out, wide, again, why);
    if (second ==
        head_is::whole) {  // values grow where they are encoded: then a line may be too long
      require(again.size == out.size() && again.path == "/" && again.method == head.method);
      require(again.chunked == head.chunked && again.content_length == head.content_length);
      const auto left_out =
          std::count_if(head.headers.begin(), head.headers.end(), [](const auto& h) {
            return equals_ignoring_case(h.first, "Expect") ||
                   (equals_ignoring_case(h.first, "Range") &&
                    h.second.find(',') != std::string_view::npos);
          });
      require(again.headers.size() + static_cast<std::size_t>(left_out) == head.headers.size());
    } else {
      require(second == head_is::refused && (why.status == 414 || why.status == 431));
    }
  }
  return 0;
}
