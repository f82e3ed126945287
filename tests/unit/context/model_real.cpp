#include "tests/unit/context/model_real.h"

namespace hangup::model {

void check_constants(schedule& s, const plain_tree& model, int node, const context& ctx) {
  s.check(ctx.deadline() == model.deadline(node), "#", node, " has another deadline");
  for (int key = 0; key < keys; ++key) {
    s.check(value_of(ctx, key) == model.value(node, key), "#", node, " has another value for key ",
            key);
  }
}

void check_look(schedule& s, plain_tree& model, int node, const context& ctx, time_point from,
                time_point to) {
  const bool done = model.done(node);
  const auto* const why = ctx.cause();
  s.check(ctx.done() == done, "#", node, " is done: ", ctx.done());
  s.check((why != nullptr) == done, "#", node, " has a cause: ", why != nullptr);
  std::error_code ec;
  if (done && why != nullptr) {
    s.check(model.may_show(node, *why, from, to), "#", node, " has ended because of ", *why,
            ", not of ", model.at(model.at(node).scope).why.front());
    ec = why->kind == cause_kind::deadline ? errc::deadline_exceeded : errc::canceled;
  }
  s.check(ctx.err() == ec, "#", node, " says ", ctx.err().message(), ", not ", ec.message());
  check_constants(s, model, node, ctx);
}

}  // namespace hangup::model
