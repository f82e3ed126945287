#include "http/run/answer_writer.h"

#include <array>
#include <charconv>
#include <utility>

#include "hangup/http/problem.h"
#include "http/run/error_answer.h"
#include "http/run/reply_access.h"
#include "http/wire/answer_head.h"
#include "http/wire/byte_range.h"
#include "http/wire/grammar.h"

namespace hangup::http {
namespace {

using access = reply_access;

// The memory of the last head on this thread, for the next one.
thread_local std::string spare_head;
constexpr std::size_t most_kept_head = 128 * 1024;

// RFC 9110 15.3.5, 15.3.6, 15.4.5
bool has_no_content(int status) noexcept {
  return status == 204 || status == 205 || status == 304;
}

// Whether If-Range still matches the handler's answer (RFC 9110 13.1.5: strong comparison).
bool is_the_same(const request& req, const reply& res) {
  const auto known = req.header("If-Range");
  return !known || (!known->empty() && !known->starts_with("W/") &&
                    (known == res.header("ETag") || known == res.header("Last-Modified")));
}

}  // namespace

void answer_writer::prepare(const request& req, reply& res) {
  if (has_no_content(res.status())) {
    access::drop_body(res);
    return;
  }
  // RFC 9110 14.2: only GET has ranges, and they are parts of the complete answer.
  if (!access::in_ranges(res) || res.status() != 200 || req.method() != "GET" ||
      !access::has_length(res) || req.count_header("Range") != 1 || !is_the_same(req, res)) {
    return;
  }
  const auto whole = access::length_of(res);
  const auto asked = read_range(*req.header("Range"), whole);
  if (asked.is == byte_range::kind::ignored) {
    return;
  }
  if (asked.is == byte_range::kind::beyond) {
    access::drop_body(res);
    for (const auto* of_the_whole :
         {"Content-Encoding", "Content-Language", "Content-Disposition", "ETag", "Last-Modified"}) {
      res.remove(of_the_whole);
    }
    answer_error(res, how_,
                 {.status = 416,
                  .detail = usual_detail(416),
                  .request_id = c_.request()->id(),
                  .head = &req});
    res.set("Content-Range", "bytes */" + std::to_string(whole));
    return;
  }
  res.status(206);
  res.set("Content-Range", "bytes " + std::to_string(asked.first) + "-" +
                               std::to_string(asked.first + asked.length - 1) + "/" +
                               std::to_string(whole));
  if (res.is_streamed()) {
    from_ = asked.first;
    access::length(res) = asked.length;
  } else {
    auto& body = access::body(res);
    body = body.substr(asked.first, asked.length);
  }
}

answer_writer::framing answer_writer::framing_of(const request& req, const reply& res) const {
  if (has_no_content(res.status())) {
    return framing::none;
  }
  if (access::has_length(res)) {
    return framing::length;
  }
  return req.is_http_1_0() ? framing::until_close : framing::chunks;
}

std::string answer_writer::head_of(reply& res, std::string reused) const {
  answer_head head(res.status(), std::move(reused));
  if (!res.has("Date")) {
    head.add("Date", http_date());
  }
  head.add_lines(access::lines(res));
  head.add_defaults(how_.default_headers, access::lines(res));
  const auto for_head = c_.session.to_head() ? access::for_head(res) : std::nullopt;
  if (as_ == framing::chunks && !for_head) {
    head.add("Transfer-Encoding", "chunked");
  } else if (for_head && as_ != framing::none) {
    head.add("Content-Length", *for_head);
  } else if (as_ == framing::length) {
    head.add("Content-Length", access::length_of(res));
  } else if (res.status() == 205) {
    head.add("Content-Length", 0);
  }
  if ((res.is_streamed() || !res.body().empty()) && !res.has("Content-Type")) {
    head.add("Content-Type", "text/plain");
  }
  head.add("X-Request-Id", c_.request()->id());
  if (!c_.session.keeps()) {
    head.add("Connection", "close");
  }
  return std::move(head).finish();
}

std::string answer_writer::begin(const request& req, reply& res) {
  as_ = framing_of(req, res);
  bodiless_ = c_.session.to_head() || as_ == framing::none;
  left_ = access::length_of(res);
  if (as_ == framing::until_close) {
    c_.session.close_after();
    c_.in_flight().ends_by_close();
  }
  return head_of(res, std::exchange(spare_head, {}));
}

void answer_writer::keep(std::string head) noexcept {
  if (head.capacity() <= most_kept_head) {
    spare_head = std::move(head);
  }
}

bool answer_writer::write(const request& req, reply& res) {
  auto head = begin(req, res);
  const bool streams = !bodiless_ && res.is_streamed();
  const bool sent = streams ? send(head) : write_whole(res, head);
  keep(std::move(head));
  return sent && (!streams || stream(res));
}

// The body is sent in one segment with the head if it is small enough to be worth a copy: of two
// small segments, the second would wait for the acknowledgement of the first.
std::string_view answer_writer::join(const reply& res, std::string& head) const {
  constexpr std::size_t worth_a_copy = 64 * 1024;
  const auto body = bodiless_ ? std::string_view() : res.body();
  const auto with = body.substr(0, worth_a_copy);
  head.append(with);
  return body.substr(with.size());
}

bool answer_writer::write_whole(const reply& res, std::string& head) {
  c_.in_flight().answering();
  const auto rest = join(res, head);
  return send(head) && send(rest);
}

std::optional<std::string_view> answer_writer::framed(std::string_view piece) {
  if (as_ == framing::length) {
    within_ = within_ && piece.size() <= left_;  // what is more would be taken for the next answer
    left_ -= within_ ? piece.size() : 0;
    return within_ ? std::optional(piece) : std::nullopt;
  }
  if (as_ != framing::chunks) {
    return piece;
  }
  std::array<char, 16> digits{};
  const auto* const stop =
      std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16).ptr;
  chunk_.assign(digits.data(), static_cast<std::size_t>(stop - digits.data()));
  chunk_.append("\r\n").append(piece).append("\r\n");
  return chunk_;
}

std::string_view answer_writer::last() const noexcept {
  return as_ == framing::chunks ? std::string_view("0\r\n\r\n") : std::string_view();
}

bool answer_writer::stream(reply& res) {
  const auto& ctx = c_.request()->ctx();
  body_writer out([this](std::string_view piece) {
    const auto sent_as = alive() ? framed(piece) : std::nullopt;
    return sent_as && send(*sent_as);
  });
  if (access::produce(res, ctx, out, from_, left_)) {
    work_stopped(ctx);  // ignored if the producer has called it earlier
    return false;
  }
  return is_whole() && send(last());
}

connection::io answer_writer::send_some(std::string_view& bytes) {
  wrote_ = wrote_ || !bytes.empty();
  if (c_.unsent() > 0) {
    if (!c_.flush_now()) {
      return connection::io::failed;
    }
    if (c_.unsent() > 0) {
      return connection::io::again;
    }
  }
  return c_.send_some(bytes);
}

bool answer_writer::send(std::string_view bytes) {
  if (bytes.empty() || broken_) {
    return !broken_;
  }
  wrote_ = true;
  if (!on_the_spot_) {
    broken_ = !c_.send_all(bytes);
  } else {
    broken_ = !c_.send_now(bytes) || c_.unsent() > how_.spot_output;
  }
  return !broken_;
}

}  // namespace hangup::http
