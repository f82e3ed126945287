#include "http/reply.h"

#include "http/request.h"

namespace hangup::http {

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
      work_stopped(ctx);  // unless the producer has said so itself, earlier
      return false;
    }
    sink.done();
    return true;
  };
  if (req.version == "HTTP/1.0") {
    res.set_content_provider(content_type, std::move(provider));
  } else {
    res.set_chunked_content_provider(content_type, std::move(provider));
  }
}

}  // namespace hangup::http
