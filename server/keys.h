// How the table of settings is written (config_keys.h): an object of the configuration is a list of
// its keys, a line each, with name, member, allowed values, default and meaning.
//
//   form<config::listen_t> listen_keys() {
//     using t = config::listen_t;
//     return object<t>({
//         {"host", &t::host, text(1, 255), "127.0.0.1", "Name or address to listen on."},
//         {"port", &t::port, integer(0, 65535), 8080, "TCP port to listen on."},
//     });
//   }
//
// The schema, by which values are checked (schema.h), is made of it, and so is the reading of
// checked values into the members. Names are literals.
//
// A mistake in the table is a std::invalid_argument. The functions below throw it if a member does
// not hold its range, if the name of a time does not end in the unit of its member (_ms; _s or
// _seconds), or if a key has no meaning; `schema` throws it if a default is not allowed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace hangup::server {

inline constexpr std::int64_t kib = 1024;
inline constexpr std::int64_t mib = 1024 * kib;
inline constexpr std::int64_t gib = 1024 * mib;
inline constexpr std::int64_t hour_ms = 3'600'000;
inline constexpr std::int64_t day_ms = 24 * hour_ms;

// What a value may be, and how it becomes a T.
template <class T>
struct form {
  nlohmann::ordered_json schema;                                // as schema.h understands it
  std::function<void(const nlohmann::json& from, T& to)> read;  // of an allowed, complete value
};

// A key as its object's schema has it.
struct property {
  std::string name;
  nlohmann::ordered_json schema;
  bool is_required = false;
};

// What the templates below have in common.
nlohmann::ordered_json described(std::string_view name, const nlohmann::ordered_json& schema,
                                 std::string_view meaning,
                                 std::optional<nlohmann::ordered_json> otherwise = {});
nlohmann::ordered_json schema_of_integer(std::int64_t least, std::int64_t most, bool fits);
nlohmann::ordered_json schema_of_words(const std::vector<std::string>& words);
nlohmann::ordered_json schema_of_array(std::size_t most, nlohmann::ordered_json each);
nlohmann::ordered_json schema_of_map(nlohmann::ordered_json names, nlohmann::ordered_json each);
nlohmann::ordered_json schema_of_object(const std::vector<property>& properties);
void check_unit(std::string_view name, bool is_milliseconds);

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;

// A whole number, for a member of any integral type or duration.
struct integer {
  std::int64_t least;
  std::int64_t most;

  constexpr integer(std::int64_t from, std::int64_t to) noexcept : least(from), most(to) {}
  template <class T>
  operator form<T>() const {
    if constexpr (is_duration<T>) {
      const form<typename T::rep> count = *this;
      return {count.schema,
              [](const auto& from, T& to) { to = T(from.template get<typename T::rep>()); }};
    } else {
      static_assert(std::is_integral_v<T> && !std::is_same_v<T, bool>);
      return {schema_of_integer(least, most, std::in_range<T>(least) && std::in_range<T>(most)),
              [](const auto& from, T& to) { from.get_to(to); }};
    }
  }
};

form<double> number(std::int64_t least, std::int64_t most);
form<bool> boolean();
// A text of so many characters. The pattern is a regular expression of ECMAScript; empty: none.
form<std::string> text(std::size_t least, std::size_t most, std::string_view pattern = {});
// A name that the operator chooses: small letters, digits, '_' and '-'.
form<std::string> chosen_name(std::size_t most);
form<std::string> one_of(const std::vector<std::string>& words);

// Words that stand for the values of an enumeration.
template <class E>
form<E> one_of(const std::vector<std::pair<std::string, E>>& values) {
  std::vector<std::string> words;
  words.reserve(values.size());
  for (const auto& [word, value] : values) {
    words.push_back(word);
  }
  return {schema_of_words(words), [values](const nlohmann::json& from, E& to) {
            for (const auto& [word, value] : values) {
              if (from == word) {
                to = value;
              }
            }
          }};
}

// The same, and a word that stands for none of them.
template <class E>
form<std::optional<E>> one_of_or(const std::string& none, const form<E>& values) {
  auto words = values.schema.at("enum").template get<std::vector<std::string>>();
  words.insert(words.begin(), none);
  return {schema_of_words(words),
          [none, read = values.read](const nlohmann::json& from, std::optional<E>& to) {
            to.reset();
            if (from != none) {
              read(from, to.emplace());
            }
          }};
}

// A value that is never shown.
template <class T>
form<T> secret(form<T> of) {
  of.schema["writeOnly"] = true;
  return of;
}

// The meaning is that of one element.
template <class T>
form<std::vector<T>> array_of(std::size_t most, std::string_view meaning, const form<T>& each) {
  return {schema_of_array(most, described("what is in it", each.schema, meaning)),
          [read = each.read](const nlohmann::json& from, std::vector<T>& to) {
            to.clear();
            for (const auto& element : from) {
              read(element, to.emplace_back());
            }
          }};
}

// An object with names that the operator chooses. The meaning is that of what one of them names.
template <class T>
form<std::map<std::string, T>> map_of(const form<std::string>& names, std::string_view meaning,
                                      const form<T>& each) {
  return {schema_of_map(names.schema, described("what is in it", each.schema, meaning)),
          [read = each.read](const nlohmann::json& from, std::map<std::string, T>& to) {
            to.clear();
            for (const auto& named : from.items()) {
              read(named.value(), to[named.key()]);
            }
          }};
}

// What is read as one type and kept as another.
template <class To, class From>
form<To> made_of(const form<From>& stated, To (*make)(const From&)) {
  return {stated.schema, [make, read = stated.read](const nlohmann::json& from, To& to) {
            From as_stated{};
            read(from, as_stated);
            to = make(as_stated);
          }};
}

// In place of a default: the key must be there.
struct no_default {};
inline constexpr no_default required{};

// A key of an object that is read into a C.
template <class C>
struct key {
  property as_property;
  std::function<void(const nlohmann::json& object, C& to)> read;  // empty: it is only checked

  template <class M>
  key(const char* name, M C::*member, const std::type_identity_t<form<M>>& values,
      nlohmann::ordered_json otherwise, std::string_view meaning)
      : as_property{name, described(name, values.schema, meaning, std::move(otherwise))},
        read(reader(name, member, values)) {}
  template <class M>
  key(const char* name, M C::*member, const std::type_identity_t<form<M>>& values, no_default,
      std::string_view meaning)
      : as_property{name, described(name, values.schema, meaning), true},
        read(reader(name, member, values)) {}
  // An object: each of its keys has a default of its own.
  template <class M>
  key(const char* name, M C::*member, const std::type_identity_t<form<M>>& values,
      std::string_view meaning)
      : as_property{name, described(name, values.schema, meaning)},
        read(reader(name, member, values)) {}
  // No member: the server does not use it.
  key(const char* name, const form<std::string>& values, nlohmann::ordered_json otherwise,
      std::string_view meaning)
      : as_property{name, described(name, values.schema, meaning, std::move(otherwise))} {}

 private:
  template <class M>
  static auto reader(const char* name, M C::*member, const form<M>& values) {
    if constexpr (is_duration<M>) {
      constexpr bool is_milliseconds = std::ratio_equal_v<typename M::period, std::milli>;
      static_assert(is_milliseconds || std::ratio_equal_v<typename M::period, std::ratio<1>>);
      check_unit(name, is_milliseconds);
    }
    return [name, member, read = values.read](const nlohmann::json& object, C& to) {
      read(object.at(name), to.*member);
    };
  }
};

// An object with these keys and no others.
template <class C>
form<C> object(const std::vector<key<C>>& keys) {
  std::vector<property> properties;
  properties.reserve(keys.size());
  for (const auto& one : keys) {
    properties.push_back(one.as_property);
  }
  return {schema_of_object(properties), [keys](const nlohmann::json& from, C& to) {
            for (const auto& one : keys) {
              if (one.read) {
                one.read(from, to);
              }
            }
          }};
}

}  // namespace hangup::server
