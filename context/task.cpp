#include "hangup/context/task.h"

#include <cstdio>
#include <cstdlib>

namespace hangup::tree {

#if defined(__GNUC__) && !defined(__clang__)
void before_task::compiled_wrongly() noexcept {
  std::fputs(
      "hangup: GCC 12 has compiled a coroutine wrongly: name the result of the co_await that "
      "is in a condition (hangup/context/task.h)\n",
      stderr);
  std::abort();
}
#endif

}  // namespace hangup::tree
