// The library as the model sees it: values are numbers, registrations are objects of one type.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "hangup/context/after_func.h"
#include "hangup/context/context.h"
#include "tests/unit/context/model.h"
#include "tests/unit/context/model_schedule.h"

namespace hangup::model {

// Counts how many there are, so that it shows whether every node is destroyed.
class counted {
 public:
  explicit counted(int n) : number(n) { ++living; }
  counted(counted&& other) noexcept : number(other.number) { ++living; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --living; }

  const int number;
  inline static std::atomic<int> living{0};
};

struct number {
  using type = int;
};
struct other_number {
  using type = int;
};
struct text {
  using type = std::string;
};
struct owned {
  using type = counted;
};
inline constexpr int keys = 4;

inline context with_value_of(const context& parent, int key, int n) {
  switch (key) {
    case 0:
      return with_value<number>(parent, n);
    case 1:
      return with_value<other_number>(parent, n);
    case 2:
      return with_value<text>(parent, std::to_string(n));
    default:
      return with_value<owned>(parent, counted(n));
  }
}

inline std::optional<int> value_of(const context& ctx, int key) {
  const auto number_in = [](const int* v) {
    return v == nullptr ? std::nullopt : std::optional(*v);
  };
  switch (key) {
    case 0:
      return number_in(ctx.value<number>());
    case 1:
      return number_in(ctx.value<other_number>());
    case 2: {
      const auto* const v = ctx.value<text>();
      return v == nullptr ? std::nullopt : std::optional(std::stoi(*v));
    }
    default: {
      const auto* const v = ctx.value<owned>();
      return v == nullptr ? std::nullopt : std::optional(v->number);
    }
  }
}

struct registration {
  registration() = default;
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;
  virtual ~registration() = default;
  virtual bool stop() = 0;
  virtual bool stop_and_wait() = 0;
};

template <class F>
struct registration_of final : registration {
  registration_of(const context& ctx, F f) : on_end(ctx, std::move(f)) {}
  bool stop() override { return on_end.stop(); }
  bool stop_and_wait() override { return on_end.stop_and_wait(); }

  after_func<F> on_end;
};

template <class F>
std::unique_ptr<registration> register_function(const context& ctx, F f) {
  return std::make_unique<registration_of<F>>(ctx, std::move(f));
}

// Compares what never changes of a context with the model.
void check_constants(schedule& s, const plain_tree& model, int node, const context& ctx);

// Compares all that a context shows of itself with the model, which is at the same point. A cause
// that nobody has seen yet must be from between these two times.
void check_look(schedule& s, plain_tree& model, int node, const context& ctx, time_point from,
                time_point to);

struct thrown {};  // by functions that throw

// How many are registered with a scope, by its own lists. While no other thread is at it.
inline int kids_of(const tree::scope& s) {
  int count = 0;
  for (const auto* kid = s.kids; kid != nullptr; kid = kid->next) {
    ++count;
  }
  return count;
}
inline int hooks_of(const tree::scope& s) {
  int count = 0;
  for (const auto* hook = s.hooks; hook != nullptr; hook = hook->next) {
    ++count;
  }
  return count;
}

}  // namespace hangup::model
