// How a context was derived, as text.
#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "hangup/context/context.h"

namespace hangup {
namespace {

std::string readable(const char* mangled) {
  struct release {
    void operator()(char* p) const noexcept { std::free(p); }
  };
  int status = 0;
  const std::unique_ptr<char, release> plain(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status));
  return plain != nullptr ? plain.get() : mangled;
}

}  // namespace

namespace tree {

void value_node::print(std::string& to) const {
  to.append(".with_value(").append(readable(key().name())).append(")");
}

void shield::print(std::string& to) const {
  to.append(".without_cancel");
}

void scope::print(std::string& to) const {
  to.append(".with_cancel");
}

void timed_scope::print(std::string& to) const {
  const auto now = clock::now();
  if (due <= now) {
    to.append(".with_deadline(passed)");
    return;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now).count();
  to.append(".with_deadline(in ").append(std::to_string(left)).append(" ms)");
}

}  // namespace tree

std::string describe(const context& ctx) {
  std::vector<const tree::node*> layers;
  const tree::node* n = &context_access::node(ctx);
  for (; n->parent != nullptr; n = n->parent) {
    layers.push_back(n);
  }
  std::string text = n == &context_access::node(todo()) ? "todo" : "background";
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    (*layer)->print(text);
  }
  return text;
}

}  // namespace hangup
