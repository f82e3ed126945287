#include "hangup/http/reply.h"

#include <algorithm>
#include <array>

#include "hangup/http/request.h"
#include "http/wire/header_list.h"

namespace hangup::http {
namespace {

constexpr auto shown = "text/plain; charset=utf-8";

// Whether browsers save this type as a file instead of showing it.
bool is_saved(std::string_view type) {
  constexpr std::array<std::string_view, 7> all = {
      "application/x-ndjson",     "application/ndjson", "application/jsonl",
      "application/json-seq",     "text/csv",           "text/event-stream",
      "text/tab-separated-values"};
  return std::any_of(all.begin(), all.end(),
                     [type](auto t) { return equals_ignoring_case(t, type); });
}

// Whether a person has opened a page: the browser then names HTML and prefers it to the type.
bool wants_a_page(const httplib::Request& req, const std::string& type) {
  const auto accept = joined(req.headers, "Accept");
  std::optional<int> weight;
  for (const auto& name : {type, type.substr(0, type.find('/')) + "/*", std::string("*/*")}) {
    weight = weight ? weight : weight_in(accept, name);
  }
  return weight_in(accept, "text/html").value_or(0) > weight.value_or(0);
}

// The content type to send. Sets the headers that belong to it.
std::string described(const httplib::Request& req, httplib::Response& res,
                      const std::string& content_type) {
  if (!res.has_header("Cache-Control")) {
    res.set_header("Cache-Control", "no-store");
  }
  const std::string type(trimmed(std::string_view(content_type).substr(0, content_type.find(';'))));
  if (!is_saved(type)) {
    return content_type;
  }
  res.set_header("Vary", "Accept");
  if (!wants_a_page(req, type)) {
    return content_type;
  }
  res.set_header("X-Content-Type-Options", "nosniff");
  return shown;
}

}  // namespace

std::error_code body_writer::write(const context& ctx, std::string_view piece) {
  if (piece.empty()) {  // an empty chunk would end the body
    return ctx.err();
  }
  const bool sent = !ctx.done() && sink_.write(piece.data(), piece.size());
  if (ctx.done()) {
    return ctx.err();
  }
  return sent ? std::error_code{} : std::make_error_code(std::errc::broken_pipe);
}

void stream(const context& ctx, const httplib::Request& req, httplib::Response& res,
            const std::string& content_type, producer produce) {
  auto provider = [ctx, produce = std::move(produce)](std::size_t, httplib::DataSink& sink) {
    body_writer out(sink);
    if (produce(ctx, out)) {
      work_stopped(ctx);  // ignored if the producer has called it earlier
      return false;
    }
    sink.done();
    return true;
  };
  const auto type = described(req, res, content_type);
  if (req.version == "HTTP/1.0") {
    res.set_content_provider(type, std::move(provider));
  } else {
    res.set_chunked_content_provider(type, std::move(provider));
  }
}

}  // namespace hangup::http
