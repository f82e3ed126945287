#include "examples/llm/model.h"

#include <algorithm>
#include <cmath>

namespace llm {
namespace {

constexpr std::size_t lanes = 16;
constexpr std::size_t longest_token = 16;
constexpr float sharpness = 24;  // how much more the best match counts than a poor one

// std::mt19937 would do; the distributions of the standard library differ between implementations.
std::uint64_t mixed(std::uint64_t& state) noexcept {
  std::uint64_t z = state += 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

std::size_t letter(char c) noexcept {
  return static_cast<unsigned char>(c) % 128U;
}

// The order of the additions is fixed, and allows vector instructions.
float product(const float* a, const float* b, std::size_t size) noexcept {
  std::array<float, lanes> sums{};
  for (std::size_t i = 0; i < size; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      sums[lane] += a[i + lane] * b[i + lane];
    }
  }
  float sum = 0;
  for (const float s : sums) {
    sum += s;
  }
  return sum;
}

}  // namespace

model::model(std::size_t width) : width_(std::max(lanes, width / lanes * lanes)) {
  std::uint64_t state = 1;
  letters_.resize(128 * width_);
  for (float& x : letters_) {
    x = (mixed(state) & 1U) != 0 ? 1.0F : -1.0F;
  }
  const auto all = text();
  keys_.reserve(all.size() * width_);
  for (std::size_t place = 0; place < all.size(); ++place) {
    const auto k = key(all.substr(0, place));
    keys_.insert(keys_.end(), k.begin(), k.end());
  }
}

// The vectors of the last characters, each turned by how far it is back, nearer ones weighing more.
std::vector<float> model::key(std::string_view context) const {
  std::vector<float> sum(width_);
  float weight = 1;
  for (std::size_t back = 0; back < std::min(reach, context.size()); ++back, weight *= 0.8F) {
    const float* const of = &letters_[letter(context[context.size() - 1 - back]) * width_];
    const std::size_t turn = (back * 7) % width_;
    for (std::size_t i = 0; i < width_; ++i) {
      sum[i] += weight * of[i + turn < width_ ? i + turn : i + turn - width_];
    }
  }
  const float length = std::sqrt(product(sum.data(), sum.data(), width_));
  if (length > 0) {
    for (float& x : sum) {
      x /= length;
    }
  }
  return sum;
}

model::weights model::next(std::string_view context) const {
  const auto all = text();
  const auto query = key(context);
  weights likely{};
  for (std::size_t place = 0; place < all.size(); ++place) {
    const float alike = product(query.data(), &keys_[place * width_], width_);
    likely[letter(all[place])] += std::exp(sharpness * (alike - 1));
  }
  return likely;
}

generator::generator(const model& of, std::string_view prompt, std::uint64_t seed)
    : model_(of),
      context_(prompt.substr(prompt.size() - std::min(prompt.size(), model::reach))),
      state_(seed) {
  context_ += ' ';
}

float generator::random() noexcept {
  return static_cast<float>(mixed(state_) >> 40U) * 0x1p-24F;
}

std::string generator::next() {
  std::string token;
  do {
    const auto likely = model_.next(context_);
    float sum = 0;
    for (const float w : likely) {
      sum += w;
    }
    float left = random() * sum;
    std::size_t chosen = letter(' ');
    for (std::size_t c = 0; c < likely.size(); ++c) {
      if (likely[c] > 0) {
        chosen = c;
        if ((left -= likely[c]) < 0) {
          break;
        }
      }
    }
    token += static_cast<char>(chosen);
    context_.erase(0, context_.size() - std::min(context_.size(), model::reach - 1));
    context_ += token.back();
  } while (token.back() != ' ' && token.size() < longest_token);
  return token;
}

}  // namespace llm
