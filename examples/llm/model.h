// A small language model: it goes on with a text as the text that it has read goes on. It has one
// attention head. Each place of what it has read has a key, made of the characters before it; the
// end of the context is the query; what follows where the keys are alike is likely. A character
// costs one product of a matrix (places x width) and a vector: a token, which is a word, takes
// milliseconds of a processor. This stands for the work of a large model, and it is real work.
//
// The same seed gives the same text. Thread-safe: a model is only read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

class model {
 public:
  static constexpr std::size_t reach = 10;  // so many characters of the context count

  // `width`: of a key. Cost and memory grow with it; a multiple of 16 is taken.
  explicit model(std::size_t width);

  // What may follow the context, as one weight for each character.
  using weights = std::array<float, 128>;
  weights next(std::string_view context) const;

 private:
  std::vector<float> key(std::string_view context) const;

  std::size_t width_;
  std::vector<float> letters_;  // a vector of each character
  std::vector<float> keys_;     // of each place, one behind the other
};

// Goes on with a prompt, a token at a time.
class generator {
 public:
  generator(const model& of, std::string_view prompt, std::uint64_t seed);
  std::string next();  // a word, or a part of a long one; never empty

 private:
  float random() noexcept;  // in [0, 1)

  const model& model_;
  std::string context_;
  std::uint64_t state_;
};

// What the model has read: plain ASCII.
std::string_view text() noexcept;

}  // namespace llm
