// An object that is constructed in place, without an allocation, and never destroyed. For services
// that static objects may still use in their destructors, in whatever order these run.
#pragma once

namespace hangup::tree {

template <class T>
union immortal {
  immortal() noexcept : object() {}
  ~immortal() {}  // NOLINT(modernize-use-equals-default): the default would be deleted
  immortal(const immortal&) = delete;
  immortal& operator=(const immortal&) = delete;
  T object;
};

}  // namespace hangup::tree
