#include "http/run/answer_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "hangup/http/problem.h"
#include "http/wire/answer_head.h"
#include "http/wire/byte_range.h"
#include "http/wire/head.h"

namespace hangup::http {
namespace {

// Headers that the connection sets itself; those of a handler are ignored.
bool is_ours(const std::string& name) noexcept {
  static constexpr std::array<std::string_view, 6> ours = {
      "Connection", "Keep-Alive", "Content-Length", "Transfer-Encoding", "Trailer", "X-Request-Id"};
  return std::any_of(ours.begin(), ours.end(),
                     [&](std::string_view known) { return equals_ignoring_case(name, known); });
}

// RFC 9110 15.3.5, 15.3.6, 15.4.5
bool has_no_content(int status) noexcept {
  return status == 204 || status == 205 || status == 304;
}

bool streams(const httplib::Response& res) noexcept {
  return static_cast<bool>(res.content_provider_);
}

// A provider without a length produces pieces until it reports that it is done.
bool has_length(const httplib::Response& res) noexcept {
  return !streams(res) || (!res.is_chunked_content_provider_ && res.content_length_ > 0);
}

std::uint64_t length_of(const httplib::Response& res) noexcept {
  return streams(res) ? res.content_length_ : res.body.size();
}

void drop_body(httplib::Response& res) {
  res.body.clear();
  res.content_provider_ = nullptr;
  res.content_length_ = 0;
  res.headers.erase("Content-Type");
}

// The functions that a sink has in addition to write(); they differ between versions of
// cpp-httplib.
template <class Sink, class Done, class Alive>
void set_rest(Sink& sink, Done done, Alive alive) {
  sink.done = done;
  if constexpr (requires { sink.done_with_trailer; }) {
    sink.done_with_trailer = [done](const httplib::Headers&) { done(); };  // trailers are not sent
  }
  if constexpr (requires { sink.is_writable; }) {
    sink.is_writable = alive;
  }
}

// The length that a handler has set for an answer to HEAD, for which it need not make a body.
std::optional<std::string> length_for_head(const httplib::Response& res) {
  auto said = res.get_header_value("Content-Length");
  const bool number = !said.empty() && said.size() < 20 &&
                      said.find_first_not_of("0123456789") == std::string::npos;
  return number ? std::optional(std::move(said)) : std::nullopt;
}

// Whether If-Range still matches the handler's answer (RFC 9110 13.1.5: strong comparison).
bool is_the_same(const httplib::Request& req, const httplib::Response& res) {
  const auto known = req.get_header_value("If-Range");
  return !req.has_header("If-Range") || (known.substr(0, 2) != "W/" && !known.empty() &&
                                         (known == res.get_header_value("ETag") ||
                                          known == res.get_header_value("Last-Modified")));
}

}  // namespace

void answer_writer::prepare(const httplib::Request& req, httplib::Response& res) {
  if (res.status == -1) {
    res.status = 200;
  }
  if (has_no_content(res.status)) {
    drop_body(res);
    return;
  }
  // RFC 9110 14.2: only GET has ranges, and they are parts of the complete answer.
  if (res.status != 200 || req.method != "GET" || !has_length(res) ||
      !equals_ignoring_case(res.get_header_value("Accept-Ranges"), "bytes") ||
      req.get_header_value_count("Range") != 1 || !is_the_same(req, res)) {
    return;
  }
  const auto whole = length_of(res);
  const auto asked = read_range(req.get_header_value("Range"), whole);
  if (asked.is == byte_range::kind::ignored) {
    return;
  }
  if (asked.is == byte_range::kind::beyond) {
    drop_body(res);
    for (const auto* of_the_whole :
         {"Content-Encoding", "Content-Language", "Content-Disposition", "ETag", "Last-Modified"}) {
      res.headers.erase(of_the_whole);
    }
    set_problem(res, 416, usual_detail(416), c_.request->stamp.id);
    res.set_header("Content-Range", "bytes */" + std::to_string(whole));
    return;
  }
  res.status = 206;
  res.set_header("Content-Range", "bytes " + std::to_string(asked.first) + "-" +
                                      std::to_string(asked.first + asked.length - 1) + "/" +
                                      std::to_string(whole));
  if (streams(res)) {
    from_ = asked.first;
    res.content_length_ = asked.length;
  } else {
    res.body = res.body.substr(asked.first, asked.length);
  }
}

answer_writer::framing answer_writer::framing_of(const httplib::Request& req,
                                                 const httplib::Response& res) const {
  if (has_no_content(res.status)) {
    return framing::none;
  }
  if (has_length(res)) {
    return framing::length;
  }
  return req.version == "HTTP/1.0" ? framing::until_close : framing::chunks;
}

std::string answer_writer::head_of(const httplib::Response& res, framing as) const {
  answer_head head(res.status);
  if (!res.has_header("Date")) {
    head.add("Date", http_date());
  }
  for (const auto& [name, value] : res.headers) {
    if (!is_ours(name)) {
      head.add(name, value);
    }
  }
  const auto for_head = c_.session.to_head() ? length_for_head(res) : std::nullopt;
  if (as == framing::chunks && !for_head) {
    head.add("Transfer-Encoding", "chunked");
  } else if (for_head && as != framing::none) {
    head.add("Content-Length", *for_head);
  } else if (as == framing::length) {
    head.add("Content-Length", length_of(res));
  } else if (res.status == 205) {
    head.add("Content-Length", 0);
  }
  if (!res.has_header("Content-Type") && (streams(res) || !res.body.empty())) {
    head.add("Content-Type", "text/plain");
  }
  head.add("X-Request-Id", c_.request->stamp.id);
  if (!c_.session.keeps()) {
    head.add("Connection", "close");
  }
  return std::move(head).finish();
}

bool answer_writer::write(const httplib::Request& req, httplib::Response& res) {
  const auto as = framing_of(req, res);
  const bool bodiless = c_.session.to_head() || as == framing::none;
  if (as == framing::until_close) {
    c_.session.close_after();
    c_.answer.ends_by_close = true;
  }
  auto text = head_of(res, as);
  if (bodiless || !streams(res)) {
    c_.request->life.advance(request_state::writing);
    // The body is sent in one segment with the head if it is small enough to be worth a copy: of
    // two small segments, the second would wait for the acknowledgement of the first.
    constexpr std::size_t worth_a_copy = 64 * 1024;
    const auto body = bodiless ? std::string_view() : std::string_view(res.body);
    const auto with = body.substr(0, worth_a_copy);
    text.append(with);
    return send(text) && send(body.substr(with.size()));
  }
  if (!send(text)) {
    return false;
  }
  res.content_provider_success_ = stream(res, as);
  return res.content_provider_success_;
}

bool answer_writer::stream(httplib::Response& res, framing as) {
  const std::size_t end = from_ + res.content_length_;
  std::size_t at = as == framing::length ? from_ : 0;
  bool done = false;
  bool within = true;
  std::string chunk;
  httplib::DataSink sink;
  sink.write = [&](const char* piece, std::size_t size) {
    if (!alive() || done || size == 0) {
      return alive() && !done;  // an empty chunk would end the body
    }
    if (as == framing::length && size > end - at) {
      within = false;  // more than was announced would be taken for the next answer
      return false;
    }
    at += size;
    if (as != framing::chunks) {
      return send({piece, size});
    }
    std::array<char, 16> digits{};
    const auto* const stop =
        std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
    chunk.assign(digits.data(), static_cast<std::size_t>(stop - digits.data()));
    chunk.append("\r\n").append(piece, size).append("\r\n");
    return send(chunk);
  };
  set_rest(
      sink, [&] { done = true; }, [&] { return alive(); });
  while (as == framing::length ? at < end : !done) {
    if (!alive() || !res.content_provider_(at, as == framing::length ? end - at : 0, sink) ||
        !within) {
      return false;
    }
  }
  return as != framing::chunks || send("0\r\n\r\n");
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
