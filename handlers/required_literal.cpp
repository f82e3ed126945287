#include "handlers/required_literal.h"

#include <cstddef>

namespace hangup::search {
namespace {

constexpr std::string_view punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
constexpr std::string_view meta = "\\.+*?()|[]{}^$";

bool is_plain(char c) {
  return c >= ' ' && c <= '~' && meta.find(c) == std::string_view::npos;
}

// Past the class that begins at regex[at] == '['.
std::size_t skip_class(std::string_view regex, std::size_t at) {
  ++at;
  if (at < regex.size() && regex[at] == '^') {
    ++at;
  }
  if (at < regex.size() && regex[at] == ']') {  // the first one is a member
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
  constexpr std::size_t worth = 3;  // bytes; shorter ones are everywhere
  std::string best;
  std::string run;
  int depth = 0;
  const auto end_run = [&] {
    if (run.size() > best.size()) {
      best = run;
    }
    run.clear();
  };
  const auto drop_last = [&] {  // what the repetition applies to may be absent
    if (!run.empty()) {
      run.pop_back();
    }
    end_run();
  };
  const auto literal = [&](char c) {
    if (depth == 0) {  // what is in a group may be repeated or an alternative
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
        } else {  // \x41, \pL, \Q..\E, \A: rare, and each with rules of its own
          return {};
        }
        at += 2;
        continue;
      case '(':
        if (next == '?') {  // flags, (?i) above all
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
        if (next == '*' || next == '{') {  // none after all
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
        } else {  // . ^ $ } and bytes beyond ASCII, which are repeated by the character
          end_run();
        }
    }
    ++at;
  }
  end_run();
  return best.size() >= worth ? best : std::string();
}

}  // namespace hangup::search
