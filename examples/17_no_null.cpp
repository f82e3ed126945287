// A context is a value, and never null. In Go a nil context compiles, and panics where it is used
// first; here it does not compile. Where no context is at hand there is background(), and todo()
// for a place that is still to get the right one.
//
// The tests compile this file a second time with NULL_CONTEXT defined, and check that the compiler
// refuses it because of that line.
#include <cstddef>
#include <iostream>
#include <type_traits>
#include <utility>

#include "hangup/context/context.h"

using hangup::context;

static_assert(!std::is_constructible_v<context, std::nullptr_t>);
static_assert(!std::is_default_constructible_v<context>);

#ifdef NULL_CONTEXT
context ctx = nullptr;
#endif

int main() {
  const auto [ctx, cancel] = hangup::with_cancel(hangup::background());
  std::cout << describe(ctx) << std::endl;

  // Not even a move leaves a null behind.
  context from = ctx;
  const context to = std::move(from);
  std::cout << describe(from) << std::endl;  // NOLINT(bugprone-use-after-move): that is the point
  std::cout << describe(hangup::todo()) << std::endl;
}

// Watch:
//         | background.with_cancel
//         | background
//         | todo
//         | exit 0
