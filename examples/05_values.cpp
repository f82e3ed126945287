// Values: what belongs to a request travels with its context. The key is a type, so a key of
// another part of the program never finds it, be its name the same; and what comes back has the
// type that was stored, without a cast.
#include <iostream>

#include "hangup/context/context.h"

namespace accounts {
struct user_id {
  using type = int;
};
}  // namespace accounts

namespace audit {
struct user_id {  // the same name, another key
  using type = int;
};
}  // namespace audit

template <class Key>
void look_up(const hangup::context& ctx, const char* who) {
  if (const int* const id = ctx.value<Key>()) {
    std::cout << who << " finds " << *id << std::endl;
  } else {
    std::cout << who << " finds nothing" << std::endl;
  }
}

int main() {
  const auto ctx = hangup::with_value<accounts::user_id>(hangup::background(), 123);

  look_up<accounts::user_id>(ctx, "accounts");
  look_up<audit::user_id>(ctx, "audit");

  // What stands in a log is the path of a context: keys, never values.
  std::cout << describe(ctx) << std::endl;
}

// Watch:
//         | accounts finds 123
//         | audit finds nothing
//         | background.with_value(accounts::user_id)
//         | exit 0
