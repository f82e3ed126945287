// Stop tokens in the way of C++26's senders (P2300, P2175): any type with stop_requested(),
// stop_possible() and a callback_type. A context is made one, and any of them ends a context.
#include <chrono>
#include <concepts>
#include <iostream>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <utility>

#include "hangup/context/after_func.h"
#include "hangup/context/wait.h"

using namespace std::chrono_literals;
using hangup::context;

// What the standard calls stoppable_token, as far as it is used here. std::stop_token gets its
// callback_type in C++26.
template <class Token, class F>
struct callback_for {
  using type = typename Token::template callback_type<F>;
};
template <class F>
struct callback_for<std::stop_token, F> {
  using type = std::stop_callback<F>;
};
template <class Token, class F>
using callback_for_t = typename callback_for<Token, F>::type;

template <class Token>
concept stoppable_token = std::copyable<Token> && std::equality_comparable<Token> &&
    requires(const Token t) {
  { t.stop_requested() }
  noexcept->std::same_as<bool>;
  { t.stop_possible() }
  noexcept->std::same_as<bool>;
  typename callback_for_t<Token, void (*)()>;
};

// A context as such a token. As for every stop callback, the function runs on the thread that ends
// it, or in the constructor if it has ended; the destructor waits until it is not running.
class context_token {
 public:
  explicit context_token(context ctx) noexcept : ctx_(std::move(ctx)) {}
  bool stop_requested() const noexcept { return ctx_.done(); }
  bool stop_possible() const noexcept { return ctx_ != hangup::background(); }
  bool operator==(const context_token&) const noexcept = default;

  template <class F>
  class callback_type {
   public:
    template <class G>
    callback_type(const context_token& token, G&& f) : on_end_(token.ctx_, F(std::forward<G>(f))) {}

   private:
    hangup::after_func<F> on_end_;
  };

 private:
  context ctx_;
};
static_assert(stoppable_token<context_token> && stoppable_token<std::stop_token>);

// An algorithm of somebody else's, for any token.
template <stoppable_token Token>
void wait_until_stopped(const Token& token, const char* name) {
  std::binary_semaphore stopped{0};
  auto release = [&stopped] { stopped.release(); };
  const callback_for_t<Token, decltype(release)> on_stop(token, release);
  stopped.acquire();
  std::cout << name << ": stopped" << std::endl;
}

// The other way round: calls `work` with a context that ends with any token.
template <stoppable_token Token, class Work>
void with_token(const context& parent, const Token& token, const Work& work) {
  const auto scope = with_cancel(parent);
  auto cancel = [&scope] { scope.cancel(hangup::cause{.text = "its stop token"}); };
  const callback_for_t<Token, decltype(cancel)> on_stop(token, cancel);
  work(scope.ctx);
}

int main() {
  const auto soon = with_timeout(hangup::background(), 100ms);
  wait_until_stopped(context_token(soon.ctx), "a context");

  std::stop_source source;
  const std::jthread asks([&source] {
    std::this_thread::sleep_for(100ms);
    source.request_stop();
  });
  with_token(hangup::background(), source.get_token(), [](const context& ctx) {
    if (hangup::sleep_for(ctx, 10s)) {
      std::cout << "work: " << describe(*ctx.cause()) << std::endl;
    }
  });
  wait_until_stopped(source.get_token(), "a std::stop_token");
}

// Watch:
//   0.1 s | a context: stopped
//   0.2 s | work: canceled: its stop token
//         | a std::stop_token: stopped
//         | exit 0
