// What the server reads and sets of a reply, besides what handlers do. Not for users.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hangup/http/reply.h"

namespace hangup::http {

struct reply_access {
  static std::string& lines(reply& r) noexcept { return r.lines_; }
  static std::string& body(reply& r) noexcept { return r.body_; }
  static std::optional<std::uint64_t>& length(reply& r) noexcept { return r.length_; }
  static bool in_ranges(const reply& r) noexcept { return r.in_ranges_; }
  static bool has_length(const reply& r) noexcept { return !r.is_streamed() || r.length_; }
  static std::uint64_t length_of(const reply& r) noexcept {
    return r.is_streamed() ? r.length_.value_or(0) : r.body_.size();
  }
  // Whether the handler has made no answer.
  static bool is_empty(const reply& r) noexcept {
    return r.status_ == 0 && r.body_.empty() && !r.is_streamed();
  }
  // With everything that is said about it; what a producer owns is destroyed.
  static void drop_body(reply& r) noexcept;
  static std::error_code produce(reply& r, const context& ctx, body_writer& out,
                                 std::uint64_t first, std::uint64_t length);
  // For a stream whose type must stay as it is, as those of cpp-httplib's handlers.
  static void set_stream(reply& r, producer produce) { r.produce_ = std::move(produce); }
  static void set_stream(reply& r, std::uint64_t length, part_producer produce) {
    r.length_ = length;
    r.produce_ = std::move(produce);
  }
  // The Content-Length of an answer to HEAD, if the handler has set one without making a body.
  static std::optional<std::uint64_t>& for_head(reply& r) noexcept { return r.for_head_; }
  // Whether defer() has been called, or must not be.
  static bool& defers(reply& r) noexcept { return r.defers_; }
  // Set: the answer is deferred.
  static std::shared_ptr<deferral>& later(reply& r) noexcept { return r.later_; }
  // A stream that a task writes by itself.
  static bool is_in_pieces(const reply& r) noexcept {
    return std::holds_alternative<reply::in_pieces>(r.produce_);
  }
  // What is known of the body is all of it.
  static void make_whole(reply& r) noexcept {
    r.produce_ = {};
    r.length_.reset();
  }
  static piece_sink*& sink(reply& r) noexcept { return r.sink_; }
  static void offer_ranges(reply& r) noexcept { r.in_ranges_ = true; }
};

}  // namespace hangup::http
