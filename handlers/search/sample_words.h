// The material of the samples: invented people, real cities, the goods of a shop, and a
// pseudo-random generator that always gives the same numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hangup::samples {

inline constexpr std::array<std::string_view, 16> first_names = {
    "Ada",  "Bjarne", "Chinua",    "Dmitri", "Edsger",   "Frances", "Grace", "Hedy",
    "Ivar", "Jürgen", "Katherine", "Linus",  "Margaret", "Niklaus", "Olga",  "Peter"};
inline constexpr std::array<std::string_view, 16> last_names = {
    "Okafor", "Nguyen", "Müller", "Rossi", "O'Brien", "Silva", "Kowalski", "Larsen",
    "Moreau", "Tanaka", "Haddad", "Novák", "García",  "Singh", "Eriksson", "Demir"};
struct place {
  std::string_view city;
  std::string_view country;
};
inline constexpr std::array<place, 12> cities = {{{"Berlin", "DE"},
                                                  {"Hamburg", "DE"},
                                                  {"Paris", "FR"},
                                                  {"Lyon", "FR"},
                                                  {"Lagos", "NG"},
                                                  {"Oslo", "NO"},
                                                  {"São Paulo", "BR"},
                                                  {"Kyoto", "JP"},
                                                  {"Mumbai", "IN"},
                                                  {"Toronto", "CA"},
                                                  {"Boston", "US"},
                                                  {"Kraków", "PL"}}};
inline constexpr std::array<std::string_view, 16> products = {
    "lamp", "desk",  "chair", "kettle", "bicycle", "radio", "clock", "tent",
    "rope", "drill", "piano", "globe",  "scale",   "anvil", "kite",  "sofa"};

// Gives the same bits for the same row on every machine: splitmix64.
class dice {
 public:
  dice(std::uint64_t table, std::uint64_t row) noexcept : state_(table << 56U ^ row) {}
  std::uint64_t below(std::uint64_t limit) noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    auto z = state_;
    z = (z ^ z >> 30U) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27U) * 0x94d049bb133111ebU;
    return (z ^ z >> 31U) % limit;
  }
  template <class T, std::size_t N>
  const T& of(const std::array<T, N>& all) noexcept {
    return all[below(N)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace hangup::samples
