#include "handlers/search/path_text.h"

#include <algorithm>

#include "handlers/utf8.h"

namespace hangup::search {
namespace {

// U+EF80 to U+EFFF in UTF-8: EE, then BE or BF, then a continuation byte.
bool stands_for_a_byte(std::string_view character) {
  return character.size() == 3 && character[0] == '\xEE' &&
         (character[1] == '\xBE' || character[1] == '\xBF');
}

void append_escaped(std::string_view bytes, std::string& to) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    to += '\xEE';
    to += byte < 0xC0 ? '\xBE' : '\xBF';
    to += static_cast<char>(0x80U | (byte & 0x3FU));
  }
}

char byte_of(std::string_view character) {
  const auto low = static_cast<unsigned char>(character[2]) & 0x3FU;
  return static_cast<char>((character[1] == '\xBE' ? 0x80U : 0xC0U) | low);
}

}  // namespace

std::string text_of_path(std::string_view path) {
  std::string text;
  text.reserve(path.size());
  while (!path.empty()) {
    const auto size = handlers::character_size(path);
    const auto character = path.substr(0, std::max<std::size_t>(size, 1));
    if (size == 0 || stands_for_a_byte(character)) {
      append_escaped(character, text);
    } else {
      text += character;
    }
    path.remove_prefix(character.size());
  }
  return text;
}

std::string path_of_text(std::string_view text) {
  std::string path;
  path.reserve(text.size());
  while (!text.empty()) {
    const auto character = text.substr(0, std::max<std::size_t>(handlers::character_size(text), 1));
    if (stands_for_a_byte(character)) {
      path += byte_of(character);
    } else {
      path += character;
    }
    text.remove_prefix(character.size());
  }
  return path;
}

}  // namespace hangup::search
