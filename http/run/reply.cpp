#include "hangup/http/reply.h"

#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>

#include "hangup/http/problem.h"
#include "http/run/piece_sink.h"
#include "http/run/reply_access.h"
#include "http/run/stream_type.h"
#include "http/wire/answer_head.h"
#include "http/wire/grammar.h"

namespace hangup::http {
namespace {

// The memory of the headers of the last answer on this thread, for those of the next one.
thread_local std::string spare_lines;
constexpr std::size_t most_kept_lines = 4096;

// The next line, which is removed from `rest`.
struct header_line {
  std::string_view name;
  std::string_view value;
  std::size_t size;
};
header_line next_line(std::string_view& rest) noexcept {
  constexpr std::string_view between = ": ";
  constexpr std::string_view crlf = "\r\n";
  const auto size = rest.find(crlf) + crlf.size();
  const auto line = rest.substr(0, size - crlf.size());
  const auto colon = line.find(between);
  rest.remove_prefix(size);
  return {line.substr(0, colon), line.substr(colon + between.size()), size};
}

void check(std::string_view name, std::string_view value) {
  if (!is_token(name)) {
    throw std::invalid_argument("the name of a header is not a token");
  }
  if (is_of_the_connection(name)) {
    throw std::invalid_argument("the connection sets the header " + std::string(name) + " itself");
  }
  if (!is_field_value(value)) {
    throw std::invalid_argument("the value of the header " + std::string(name) +
                                " has a control character in it");
  }
}

}  // namespace

std::error_code body_writer::write(const context& ctx, std::string_view piece) {
  if (piece.empty()) {  // an empty chunk would end the body
    return ctx.err();
  }
  const bool sent = !ctx.done() && to_(piece);
  if (ctx.done()) {
    return ctx.err();
  }
  return sent ? std::error_code{} : std::make_error_code(std::errc::broken_pipe);
}

reply::reply(const context& ctx, const request& req) noexcept
    : ctx_(ctx), req_(req), lines_(std::move(spare_lines)) {
  lines_.clear();
}

reply::~reply() {
  if (lines_.capacity() <= most_kept_lines && lines_.capacity() > spare_lines.capacity()) {
    spare_lines = std::move(lines_);
  }
}

void reply::status(int code) {
  if (code < 200 || code > 599) {  // a status of 1xx cannot end a request (RFC 9110 15.2)
    throw std::invalid_argument("the handler has answered with status " + std::to_string(code));
  }
  status_ = code;
}

void reply::set(std::string_view name, std::string_view value) {
  check(name, value);
  if (!has(name)) {
    add(name, value);
    return;
  }
  const std::string copy(value);  // it may be that of a line that is removed
  remove(name);
  append_header(name, copy, lines_);
}

void reply::add(std::string_view name, std::string_view value) {
  check(name, value);
  const std::less<const char*> less;
  if (!less(value.data(), lines_.data()) && less(value.data(), lines_.data() + lines_.size())) {
    append_header(name, std::string(value), lines_);  // of another line, which may move
  } else {
    append_header(name, value, lines_);
  }
}

void reply::remove(std::string_view name) noexcept {
  for (std::size_t at = 0; at < lines_.size();) {
    auto rest = std::string_view(lines_).substr(at);
    const auto line = next_line(rest);
    if (equals_ignoring_case(line.name, name)) {
      lines_.erase(at, line.size);
    } else {
      at += line.size;
    }
  }
}

std::optional<std::string_view> reply::header(std::string_view name) const noexcept {
  for (std::string_view rest = lines_; !rest.empty();) {
    const auto line = next_line(rest);
    if (equals_ignoring_case(line.name, name)) {
      return line.value;
    }
  }
  return std::nullopt;
}

std::size_t reply::count(std::string_view name) const noexcept {
  std::size_t n = 0;
  for (std::string_view rest = lines_; !rest.empty();) {
    n += equals_ignoring_case(next_line(rest).name, name) ? 1 : 0;
  }
  return n;
}

void reply::body(std::string_view content_type, std::string text) {
  set("Content-Type", content_type);
  body_ = std::move(text);
  produce_ = {};
  length_.reset();
}

// Sets nothing before all of it is known to be allowed.
void reply::set_stream_headers(std::string_view content_type) {
  const auto type = stream_type_for(content_type, req_.header_list("Accept"));
  set("Content-Type", type.name);
  if (!has("Cache-Control")) {
    set("Cache-Control", "no-store");
  }
  if (type.varies) {
    add("Vary", "Accept");
  }
  if (type.as_text) {
    set("X-Content-Type-Options", "nosniff");
  }
  body_.clear();
  length_.reset();
}

void reply::stream(std::string_view content_type, producer produce) {
  set_stream_headers(content_type);
  produce_ = std::move(produce);
}

void reply::stream(std::string_view content_type, std::uint64_t length, part_producer produce) {
  set_stream_headers(content_type);
  length_ = length;
  produce_ = std::move(produce);
}

void reply::stream(std::string_view content_type) {
  set_stream_headers(content_type);
  produce_ = in_pieces{};
}

void reply::stream(std::string_view content_type, std::uint64_t length) {
  set_stream_headers(content_type);
  length_ = length;
  produce_ = in_pieces{};
}

template <>
bool write_wait::await_ready() {
  if (!reply_access::is_in_pieces(of_) || reply_access::later(of_) != nullptr) {
    throw std::logic_error("a piece is written, and the reply is no stream");
  }
  if (auto* const sink = reply_access::sink(of_)) {
    return sink->write(ctx_, piece_);
  }
  if (!ctx_.done()) {
    reply_access::body(of_).append(piece_);
  }
  return true;
}

template <>
task<>& write_wait::rest() const noexcept {
  return reply_access::sink(of_)->rest();
}

template <>
std::error_code write_wait::await_resume() const noexcept {
  const auto* const sink = reply_access::sink(of_);
  return sink != nullptr ? sink->result(ctx_) : ctx_.err();
}

void reply::offer_ranges() {
  set("Accept-Ranges", "bytes");
  in_ranges_ = true;
}

void reply::problem(int code, std::string_view detail) {
  auto text = problem_body(code, detail, request_id(ctx_));
  status(code);
  body(problem_type, std::move(text));
}

void reply::clear() noexcept {
  status_ = 0;
  lines_.clear();
  body_.clear();
  produce_ = {};
  length_.reset();
  for_head_.reset();
  in_ranges_ = false;
}

std::error_code reply::produce(const context& ctx, body_writer& out) {
  return reply_access::produce(*this, ctx, out, 0, length_.value_or(0));
}

void reply_access::drop_body(reply& r) noexcept {
  r.body_.clear();
  r.produce_ = {};
  r.length_.reset();
  r.remove("Content-Type");
}

std::error_code reply_access::produce(reply& r, const context& ctx, body_writer& out,
                                      std::uint64_t first, std::uint64_t length) {
  if (const auto* const all = std::get_if<producer>(&r.produce_)) {
    return (*all)(ctx, out);
  }
  if (const auto* const part = std::get_if<part_producer>(&r.produce_)) {
    return (*part)(ctx, out, first, length);
  }
  return {};
}

}  // namespace hangup::http
