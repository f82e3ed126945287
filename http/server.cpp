#include "hangup/http/server.h"

#include <unistd.h>

#include <new>
#include <stdexcept>
#include <utility>

#include "http/run/error_answer.h"
#include "http/session/session_runner.h"

namespace hangup::http {
namespace {

template <class Listen>
std::error_code without_exceptions(bool listens, const Listen& listen) noexcept {
  if (listens) {
    return std::make_error_code(std::errc::already_connected);
  }
  try {
    return listen();
  } catch (const std::system_error& e) {
    return e.code();
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
}

// What requests read without a lock.
void must_come_before_start(const void* serves, const std::string& what) {
  if (serves != nullptr) {
    throw std::logic_error("server::" + what + "() must be called before start()");
  }
}

}  // namespace

server::server(options how) : how_(std::move(how)) {
  check_default_headers(how_);
}

server::~server() = default;

server& server::handle(route r) {
  must_come_before_start(runner_.get(), "handle");
  if (!r.answer) {
    throw std::invalid_argument("route " + r.path + ": there is no handler");
  }
  if (r.answer.is_task() && r.on_loop == nullptr) {
    throw std::invalid_argument("route " + r.path +
                                ": the handler is a task, and there is no loop");
  }
  if (!r.answer.is_task() && r.on_loop != nullptr) {
    throw std::invalid_argument("route " + r.path +
                                ": the handler is no task, but there is a loop");
  }
  if (r.is_on_the_spot() && r.deadline.count() == 0) {
    r.deadline = how_.spot_deadline;
  }
  if (r.serves == audience::operators && operators_guard_) {
    r.admits = !r.admits
                   ? operators_guard_
                   : [first = operators_guard_, own = std::move(r.admits)](const request& req) {
                       auto why = first(req);
                       return why ? why : own(req);
                     };
  }
  routes_.add(std::move(r));
  return *this;
}

server& server::guard_all(guard with) {
  must_come_before_start(runner_.get(), "guard_all");
  if (guard_) {
    throw std::logic_error("server::guard_all() must be called once: this would be another guard");
  }
  guard_ = std::move(with);
  return *this;
}

server& server::guard_operators(guard with) {
  must_come_before_start(runner_.get(), "guard_operators");
  if (operators_guard_) {
    throw std::logic_error(
        "server::guard_operators() must be called once: this would be another guard");
  }
  for (const route* r : routes_.all()) {
    if (r->serves == audience::operators) {
      throw std::logic_error("server::guard_operators() must be called before handle() of " +
                             r->path);
    }
  }
  operators_guard_ = std::move(with);
  return *this;
}

server& server::observe(observer& o) {
  must_come_before_start(runner_.get(), "observe");
  observers_.push_back(&o);
  return *this;
}

server& server::follow(follower& f) {
  must_come_before_start(runner_.get(), "follow");
  if (follower_ != nullptr) {
    throw std::logic_error("server::follow() must be called once: there is another follower");
  }
  follower_ = &f;
  return *this;
}

void server::use_tls(std::shared_ptr<const tls_identity> as) {
  if (!as) {
    throw std::invalid_argument("server::use_tls(): there is no certificate");
  }
  if (runner_ == nullptr) {
    uses_tls_ = true;
    identity_.swap(as);
    return;
  }
  if (!uses_tls_) {
    must_come_before_start(runner_.get(), "use_tls");
  }
  runner_->use_tls(std::move(as));
}

// Throws std::system_error and std::bad_alloc.
std::error_code server::serve_on(listener&& on) {
  // Without threads, connections would be accepted by the kernel, and by nobody else.
  if (how_.front_loops == 0 || how_.front_threads == 0) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  // Set before it starts, because handlers may ask the server whether it is draining.
  runner_ = std::make_unique<session_runner>(how_, routes_, observers_, follower_, identity_);
  if (guard_) {
    runner_->guard_all(guard_);
  }
  const auto ec = runner_->loops().start(std::move(on));
  if (ec) {
    runner_.reset();
  } else {
    identity_.reset();  // the session runner holds it, until it is replaced
  }
  return ec;
}

start_error server::start(const std::string& host, std::uint16_t port) noexcept {
  return without_exceptions(runner_ != nullptr, [&] {
    listener on;
    const auto ec = listen_on(host, port, how_, on);
    return ec ? ec : serve_on(std::move(on));
  });
}

start_error server::start(const std::vector<listen_address>& all, std::size_t* failed) noexcept {
  return without_exceptions(runner_ != nullptr, [&] {
    listener on;
    const auto ec = listen_on(all, how_, on, failed);
    return ec ? ec : serve_on(std::move(on));
  });
}

start_error server::start_inherited(std::span<const int> sockets, std::size_t* failed,
                                    audience serves,
                                    const std::vector<listen_address>& more) noexcept {
  const auto ec = without_exceptions(runner_ != nullptr, [&] {
    listener on;
    if (const auto wrong = listen_on_inherited(sockets, how_, on, failed)) {
      return wrong;
    }
    for (auto& s : on.sockets) {
      s.serves = serves;
    }
    listener others;
    if (const auto wrong =
            more.empty() ? std::error_code() : listen_on(more, how_, others, failed)) {
      if (failed != nullptr) {
        *failed += sockets.size();
      }
      return wrong;
    }
    add(std::move(others), on);
    return serve_on(std::move(on));
  });
  for (const int fd : ec ? std::span<const int>() : sockets) {
    ::close(fd);
  }
  return ec;
}

std::uint16_t server::port() const noexcept {
  return runner_ ? runner_->loops().accepting().port() : std::uint16_t{0};
}

std::vector<std::string> server::endpoints() const {
  return runner_ ? runner_->loops().accepting().endpoints() : std::vector<std::string>{};
}

std::vector<std::string> server::endpoints(audience serves) const {
  return runner_ ? runner_->loops().accepting().endpoints(serves) : std::vector<std::string>{};
}

void server::announce_drain() noexcept {
  if (runner_) {
    runner_->begin_drain();
  }
}

std::error_code server::drain(const context& ctx, std::chrono::milliseconds stop_patience) {
  if (!runner_) {
    return {};
  }
  runner_->begin_drain();
  runner_->loops().accepting().stop_listening();
  // In both cases the remaining requests are ended now.
  static_cast<void>(runner_->wait_idle(ctx));
  runner_->end_all();
  const auto [patience, cancel] = with_timeout(background(), stop_patience);
  // Answers that are being sent are completed; then the remaining connections are closed.
  if (const auto ec = runner_->wait_idle(patience)) {
    return ec;
  }
  return runner_->close_all(patience);
}

bool server::draining() const noexcept {
  return runner_ && runner_->draining();
}

std::vector<request_view> server::in_flight() const {
  std::vector<request_view> all;
  each_in_flight([&](const request_view& v) {
    all.push_back(v);
    return true;
  });
  return all;
}

void server::each_in_flight(const std::function<bool(const request_view&)>& look) const {
  if (runner_) {
    runner_->each_in_flight(look);
  }
}

std::optional<request_view> server::find_in_flight(std::uint64_t number, int connection) const {
  return runner_ ? runner_->find_in_flight(number, connection) : std::nullopt;
}

ending server::end_request(std::uint64_t number, const cause& why, const asker& by) {
  return runner_ ? runner_->end_request(number, why, by) : ending::unknown;
}

std::size_t server::end_requests(const std::function<bool(const request_view&)>& which,
                                 const cause& why, const asker& by) {
  return runner_ ? runner_->end_requests(which, why, by) : 0;
}

in_flight_counts server::count_in_flight(const std::function<bool(const route&)>& of) const {
  return runner_ ? runner_->count_in_flight(of) : in_flight_counts{};
}

found_in_flight server::follow_oldest(std::size_t most,
                                      const std::function<bool(const route&)>& of) {
  return runner_ ? runner_->follow_oldest(most, of) : found_in_flight{};
}

std::size_t server::in_flight_count() const noexcept {
  return runner_ ? runner_->in_flight() : 0;
}

std::array<std::size_t, phases> server::connections() const {
  return runner_ ? runner_->connections() : std::array<std::size_t, phases>{};
}

std::vector<const route*> server::routes() const {
  return routes_.all();
}

}  // namespace hangup::http
