// Reads the answer that somebody else's engine writes, while it is written: finds its status, how
// its body is framed, where it ends, and whether it closes the connection. Nothing is changed: what
// is passed on are the bytes themselves. Everything that is counted has a limit, and it takes time
// proportional to the length of its input. Pure; fuzzed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/wire/body.h"

namespace hangup::http {

class answer_scan {
 public:
  static constexpr std::size_t most_head = 1 << 20;  // a longer head is broken

  enum class kind {
    none,     // a part of a head: it is kept until the head is complete
    interim,  // the whole head of an answer with a 1xx status; more answers follow
    head,     // the whole head of the answer
    body,     // a part of its body, with the framing
    beyond,   // more than belongs to the answer: not to be sent
    broken,   // this is no answer; so is everything that follows
  };
  struct piece {
    kind is = kind::none;
    std::string_view text{};  // valid until the next call, and as long as the input
  };
  enum class framing { none, length, chunks, until_close };

  // `to_head`: the request is a HEAD, whose answer has no body.
  explicit answer_scan(bool to_head) noexcept : to_head_(to_head) {}

  // Takes the next piece off the front of `bytes`, which must not be empty.
  piece next(std::string_view& bytes);

  // Whether the head of the answer is known; all of the following is about it.
  bool begun() const noexcept { return begun_; }
  int status() const noexcept { return status_; }
  framing framed() const noexcept { return framed_; }
  std::uint64_t length() const noexcept { return length_; }  // if that is the framing
  bool closes() const noexcept { return closes_; }           // it has "Connection: close"
  // Whether all of it has been seen. Only the end of the connection ends one until_close.
  bool whole() const noexcept {
    return begun_ && framed_ != framing::until_close && body_.complete();
  }

 private:
  kind head_arrived();
  bool read_status(std::string_view line) noexcept;
  bool read_line(std::string_view line) noexcept;
  kind broken() noexcept {
    broken_ = true;
    return kind::broken;
  }

  const bool to_head_;
  bool broken_ = false;
  bool begun_ = false;
  bool passed_on_ = false;  // head_ has been given out
  std::string head_;
  int status_ = 0;
  framing framed_ = framing::none;
  std::uint64_t length_ = 0;
  bool closes_ = false;
  bool has_length_ = false;
  bool is_chunked_ = false;
  body_scan body_;
};

}  // namespace hangup::http
