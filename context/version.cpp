#include "hangup/version.h"

namespace hangup {

const char* version() noexcept {
  return HANGUP_VERSION;
}

}  // namespace hangup
