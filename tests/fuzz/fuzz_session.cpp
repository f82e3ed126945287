// What a stranger sends on one connection, in pieces of any size: the same requests, bodies and
// refusals must be found as if all of it had arrived at once.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/session/http1.h"

using namespace hangup::http;

namespace {

using action = http1::action;

void require_that(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// What happens on the connection, up to its close or to the end of `bytes`.
class transcript {
 public:
  bool open() const noexcept { return open_; }
  const std::vector<std::string>& lines() const noexcept { return lines_; }

  void arrive(std::string_view bytes) {
    session_.append(bytes);
    auto what = session_.arrived(false);
    while (open_ && what != action::wait && what != action::proceed) {
      what = after(what);
    }
  }

 private:
  action after(action what) {
    switch (what) {
      case action::begin: {
        const auto& head = session_.head();
        lines_.push_back(std::string(head.method) + " " + head.path);
        data_.clear();
        return session_.accept({.keep_in = head.has_body() ? &data_ : nullptr, .largest = 512});
      }
      case action::start:
        lines_.push_back("body " + data_);
        return answered();
      case action::refuse:
        require_that(session_.why().status >= 400 && !session_.keeps());
        lines_.push_back(std::to_string(session_.why().status));
        return answered();
      case action::yield:
      case action::next:
        return session_.next(false);
      default:
        open_ = false;
        return what;
    }
  }
  action answered() {
    require_that(session_.answered(true, false) == action::finish);
    return session_.finished(false, session_.keeps());
  }

  http1 session_{head_limits{.bytes = 1024, .headers = 16}};
  std::string data_;
  bool open_ = true;
  std::vector<std::string> lines_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) {
    return 0;
  }
  // The first byte says how large the pieces are.
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  transcript at_once;
  at_once.arrive(bytes);
  transcript in_pieces;
  for (std::size_t at = 0; at < bytes.size() && in_pieces.open(); at += piece) {
    in_pieces.arrive(bytes.substr(at, piece));
  }
  require_that(at_once.lines() == in_pieces.lines() && at_once.open() == in_pieces.open());
  return 0;
}
