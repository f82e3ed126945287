#include "handlers/query/database.h"

#include <algorithm>

#include "handlers/utf8.h"

namespace hangup::query {
namespace {

class category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "query"; }
  std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::unreachable:
        return "the database cannot be reached";
      case errc::busy:
        return "the database is busy";
      case errc::failed:
        return "the database could not run the query";
      case errc::bad_argument:
        return "the database refuses an argument";
      case errc::timed_out:
        return "the query took longer than the database allows";
      case errc::too_large:
        return "a row is too large to be read from the database";
    }
    return "unknown error of a query";
  }
};

// The SQLSTATE at the end of the text, if there is one.
std::string_view state_in(std::string_view why) noexcept {
  constexpr std::size_t size = 5;
  if (why.size() < size + 2 || why.back() != ')' || why[why.size() - size - 2] != '(') {
    return {};
  }
  const auto state = why.substr(why.size() - size - 1, size);
  const bool is_one = std::all_of(state.begin(), state.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
  });
  return is_one ? state : std::string_view();
}

}  // namespace

const std::error_category& query_category() noexcept {
  static const category instance;
  return instance;
}

int http_status(std::error_code ec) noexcept {
  if (ec == errc::unreachable || ec == errc::busy) {
    return 503;
  }
  return ec == errc::bad_argument ? 400 : ec == errc::timed_out ? 504 : 500;
}

std::string for_clients(std::error_code ec, const std::string& why) {
  if (ec == errc::bad_argument || ec == errc::timed_out || ec == errc::too_large) {
    return why;
  }
  if (ec == errc::unreachable) {
    return {};
  }
  const auto state = state_in(why);
  return ec == errc::busy && state.empty() ? why : std::string(state);
}

std::string in_words(std::error_code ec, const std::string& why) {
  const auto reason = for_clients(ec, why);
  return reason.empty() ? ec.message() : ec.message() + ": " + reason;
}

std::string one_line(std::string_view message) {
  constexpr std::size_t most = 300;
  std::string line;
  while (!message.empty()) {
    const auto n = handlers::character_size(message);
    const bool plain = n > 1
                           // Includes the C1 controls.
                           ? static_cast<unsigned char>(message[0]) != 0xc2
                           : n == 1 && message[0] >= ' ' && message[0] != '\x7f';
    const std::string_view shown = plain ? message.substr(0, n) : " ";
    if (line.size() + shown.size() > most) {
      break;
    }
    if (shown != " " || (!line.empty() && line.back() != ' ')) {
      line.append(shown);
    }
    message.remove_prefix(n == 0 ? 1 : n);
  }
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  return line;
}

}  // namespace hangup::query
