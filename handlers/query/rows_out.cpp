#include "handlers/query/rows_out.h"

namespace hangup::query {

std::error_code rows_out::columns(const context&, std::span<const std::string> names) {
  rows_.columns(names, text_);
  since_ = context::clock::now();
  return {};
}

std::error_code rows_out::row(const context& ctx, std::span<const field> fields) {
  constexpr std::size_t worth_a_write = 16 * 1024;
  if (text_.empty()) {
    since_ = context::clock::now();
  }
  if (!rows_.row(fields, text_)) {
    problem_ = "a row has more than " + std::to_string(row_format::most_bytes) + " bytes";
    return errc::failed;
  }
  return text_.size() < worth_a_write ? std::error_code{} : send(ctx);
}

std::error_code rows_out::idle(const context& ctx) {
  if (text_.empty() || context::clock::now() - since_ < gather_time) {
    return {};
  }
  return send(ctx);
}

std::error_code rows_out::finish(const context& ctx) {
  return text_.empty() ? ctx.err() : send(ctx);
}

void rows_out::fail(const context& ctx, std::string_view title, std::string_view detail) {
  if (format_ == format::ndjson) {
    text_.append("{\"error\":{\"title\":");
    append_json(title, text_);
    text_.append(",\"detail\":");
    append_json(detail, text_);
    text_.append("}}\n");
  }
  static_cast<void>(finish(ctx));  // the answer is cut off anyway
}

std::error_code rows_out::send(const context& ctx) {
  const auto sent = out_.write(ctx, text_);
  text_.clear();
  return sent;
}

}  // namespace hangup::query
