#include "handlers/query/rows_out.h"

#include <utility>

namespace hangup::query {

std::error_code collected_rows::columns(const context&, std::span<const std::string> names) {
  rows_.columns(names, text_);
  since_ = context::clock::now();
  return {};
}

std::error_code collected_rows::row(const context& ctx, std::span<const field> fields) {
  constexpr std::size_t worth_a_write = 16 * 1024;
  if (text_.empty()) {
    since_ = context::clock::now();
  }
  if (!rows_.row(fields, text_)) {
    problem_ = "a row has more than " + std::to_string(row_format::most_bytes) + " bytes";
    return errc::failed;
  }
  return text_.size() < worth_a_write ? std::error_code{} : enough(ctx);
}

std::error_code collected_rows::idle(const context& ctx) {
  if (text_.empty() || context::clock::now() - since_ < gather_time) {
    return {};
  }
  return enough(ctx);
}

void collected_rows::add_error(std::string_view title, std::string_view detail) {
  if (format_ == format::ndjson) {
    text_.append("{\"error\":{\"title\":");
    append_json(title, text_);
    text_.append(",\"detail\":");
    append_json(detail, text_);
    text_.append("}}\n");
  }
}

std::error_code rows_out::finish(const context& ctx) {
  return text_.empty() ? ctx.err() : enough(ctx);
}

std::error_code rows_out::enough(const context& ctx) {
  const auto sent = out_.write(ctx, text_);
  text_.clear();
  return sent;
}

std::error_code rows_reply::enough(const context&) {
  full_ = true;
  return {};
}

task<std::error_code> rows_reply::flush(const context& ctx) {
  full_ = false;
  const std::error_code sent = co_await to_.write(ctx, text_);
  text_.clear();
  co_return sent;
}

}  // namespace hangup::query
