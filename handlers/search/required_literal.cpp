#include "handlers/search/required_literal.h"

#include <cstddef>

namespace hangup::search {
namespace {

constexpr std::string_view punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
constexpr std::string_view meta = "\\.+*?()|[]{}^$";

bool is_plain(char c) {
  return c >= ' ' && c <= '~' && meta.find(c) == std::string_view::npos;
}

// The index after the character class that begins at regex[at] == '['.
std::size_t skip_class(std::string_view regex, std::size_t at) {
  ++at;
  if (at < regex.size() && regex[at] == '^') {
    ++at;
  }
  if (at < regex.size() && regex[at] == ']') {  // a ']' in first place is a member
    ++at;
  }
  while (at < regex.size() && regex[at] != ']') {
    if (regex.substr(at, 2) == "[:") {
      const std::size_t end = regex.find(":]", at + 2);
      at = end == std::string_view::npos ? at + 1 : end + 2;
    } else {
      at += regex[at] == '\\' ? 2 : 1;
    }
  }
  return at + 1;
}

}  // namespace

std::string required_literal(std::string_view regex) {
  constexpr std::size_t worth = 3;  // bytes; shorter texts are too frequent to be useful
  std::string best;
  std::string run;
  int depth = 0;
  const auto end_run = [&] {
    if (run.size() > best.size()) {
      best = run;
    }
    run.clear();
  };
  const auto drop_last = [&] {  // what is repeated may be absent
    if (!run.empty()) {
      run.pop_back();
    }
    end_run();
  };
  const auto literal = [&](char c) {
    if (depth == 0) {  // a group may be repeated or be an alternative
      run += c;
    }
  };
  for (std::size_t at = 0; at < regex.size();) {
    const char c = regex[at];
    const char next = at + 1 < regex.size() ? regex[at + 1] : '\0';
    switch (c) {
      case '\\':
        if (punctuation.find(next) != std::string_view::npos && next != '\0') {
          literal(next);
        } else if (next != '\0' &&
                   std::string_view("dDwWsSbB").find(next) != std::string_view::npos) {
          end_run();
        } else {  // \x41, \pL, \Q..\E, \A: rare, each with its own rules
          return {};
        }
        at += 2;
        continue;
      case '(':
        if (next == '?') {  // flags, such as (?i)
          return {};
        }
        end_run();
        ++depth;
        break;
      case ')':
        --depth;
        break;
      case '|':
        if (depth == 0) {
          return {};
        }
        break;
      case '[':
        end_run();
        at = skip_class(regex, at);
        continue;
      case '*':
      case '?':
        drop_last();
        break;
      case '+':
        if (next == '*' || next == '{') {  // may occur zero times
          return {};
        }
        end_run();
        break;
      case '{': {
        drop_last();
        const std::size_t end = regex.find_first_not_of("0123456789,", at + 1);
        at = end != std::string_view::npos && regex[end] == '}' ? end + 1 : at + 1;
        continue;
      }
      default:
        if (is_plain(c)) {
          literal(c);
        } else {  // . ^ $ } and non-ASCII bytes, where a repetition applies to the whole character
          end_run();
        }
    }
    ++at;
  }
  end_run();
  return best.size() >= worth ? best : std::string();
}

}  // namespace hangup::search
