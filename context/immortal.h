// An object that is made in place, without memory of its own, and never destroyed: for services
// that whatever is in static objects may use in any order of destruction.
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
