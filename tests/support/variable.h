// A variable of the environment that a test sets.
#pragma once

#include <stdlib.h>

#include <optional>
#include <string>

namespace hangup::test {

// Has this value until the end of the scope, and then the one from before. Null: it is not there.
class variable {
 public:
  variable(const char* name, const char* value) : name_(name) {
    if (const char* const now = ::getenv(name); now != nullptr) {
      before_ = now;
    }
    set(value);
  }
  ~variable() { set(before_ ? before_->c_str() : nullptr); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;

 private:
  void set(const char* value) const {
    value == nullptr ? ::unsetenv(name_) : ::setenv(name_, value, 1);
  }

  const char* const name_;
  std::optional<std::string> before_;
};

}  // namespace hangup::test
