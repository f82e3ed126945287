#include "tests/wire/fixture.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "hangup/context/wait.h"
#include "hangup/http/problem.h"
#include "hangup/http/reply.h"

namespace hangup::wire {

std::ostream& operator<<(std::ostream& out, const ended_request& r) {
  return out << r.method << " " << r.target << ": " << name(r.end) << " " << r.status << " ("
             << r.cause << ")" << (r.started ? " started" : " never started");
}

void recorder::began(const http::route&) noexcept {
  const std::lock_guard hold(mutex_);
  ++began_;
  changed_.notify_all();
}

void recorder::reached(http::limit l) noexcept {
  const std::lock_guard hold(mutex_);
  ++reached_[l];
  changed_.notify_all();
}

void recorder::late(const http::late_request& l) noexcept {
  const std::lock_guard hold(mutex_);
  late_.push_back({std::string(l.target), l.cause, l.since, l.over});
  changed_.notify_all();
}

void recorder::ended(const http::request_report& r) noexcept {
  const std::lock_guard hold(mutex_);
  ended_.push_back({std::string(r.id), std::string(r.method), std::string(r.target), r.to.path,
                    r.end, r.cause, r.status, r.work_began.has_value(), r.context_ended.has_value(),
                    r.work_stopped.has_value(), std::string(r.broken), r.number,
                    r.by != nullptr ? std::optional(*r.by) : std::nullopt});
  changed_.notify_all();
}

bool recorder::await_began(std::size_t count) {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, patience, [&] { return began_ >= count; });
}

bool recorder::await_ended(std::size_t count) {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, patience, [&] { return ended_.size() >= count; });
}

bool recorder::await_late(std::size_t count) {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, patience, [&] { return late_.size() >= count; });
}

bool recorder::await_reached(http::limit l) {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, patience, [&] { return reached_.contains(l); });
}

std::map<http::limit, int> recorder::reached() const {
  const std::lock_guard hold(mutex_);
  return reached_;
}

std::vector<late_stop> recorder::late_stops() const {
  const std::lock_guard hold(mutex_);
  return late_;
}

std::size_t recorder::began_count() const {
  const std::lock_guard hold(mutex_);
  return began_;
}

std::vector<ended_request> recorder::all() const {
  const std::lock_guard hold(mutex_);
  return ended_;
}

std::size_t recorder::count(request_end end) const {
  const std::lock_guard hold(mutex_);
  return static_cast<std::size_t>(
      std::count_if(ended_.begin(), ended_.end(), [end](const auto& r) { return r.end == end; }));
}

ended_request recorder::nth(std::size_t n) {
  EXPECT_TRUE(await_ended(n + 1)) << "request " << n << " has not ended";
  const std::lock_guard hold(mutex_);
  return n < ended_.size() ? ended_[n] : ended_request{};
}

ended_request recorder::of(const std::string& target) {
  std::unique_lock hold(mutex_);
  auto found = ended_.end();
  changed_.wait_for(hold, patience, [&] {
    found = std::find_if(ended_.begin(), ended_.end(),
                         [&](const auto& r) { return r.target == target; });
    return found != ended_.end();
  });
  EXPECT_NE(found, ended_.end()) << target << " has not ended";
  return found != ended_.end() ? *found : ended_request{};
}

bool recorder::has_ended(const std::string& target) const {
  const std::lock_guard hold(mutex_);
  return std::any_of(ended_.begin(), ended_.end(),
                     [&](const auto& r) { return r.target == target; });
}

ended_request recorder::last() const {
  const std::lock_guard hold(mutex_);
  return ended_.empty() ? ended_request{} : ended_.back();
}

void signals::tell(const std::string& what) {
  const std::lock_guard hold(mutex_);
  ++told_[what];
  changed_.notify_all();
}

bool signals::await(const std::string& what, int count) {
  std::unique_lock hold(mutex_);
  return changed_.wait_for(hold, patience, [&] { return told_[what] >= count; });
}

int signals::count(const std::string& what) {
  const std::lock_guard hold(mutex_);
  return told_[what];
}

void latch::wait() {
  std::unique_lock hold(mutex_);
  changed_.wait(hold, [this] { return open_; });
}

void latch::open() {
  const std::lock_guard hold(mutex_);
  open_ = true;
  changed_.notify_all();
}

live_server::live_server(setup how)
    : many({.name = "many", .workers = how.workers, .queue = how.queue}),
      one({.name = "one", .workers = 1, .queue = how.queue_of_one}),
      server(how.how) {
  add_answers();
  add_waits(how.deadline);
  for (const auto& add_more : how.more) {
    add_more(*this);
  }
  if (how.identity) {
    server.use_tls(how.identity);
  }
  server.observe(seen);
  const auto ec = server.start(how.listen);
  EXPECT_FALSE(ec) << ec.message();
}

live_server::~live_server() {
  gate.open();
  EXPECT_TRUE(seen.await_ended(seen.began_count()));
  const auto [soon, cancel] = with_timeout(background(), 0s);
  EXPECT_FALSE(server.drain(soon, patience));
  EXPECT_EQ(seen.all().size(), seen.began_count());
  EXPECT_TRUE(server.in_flight().empty());
  EXPECT_EQ(connections(), 0U);
}

std::size_t live_server::connections() const {
  const auto by_phase = server.connections();
  return std::accumulate(by_phase.begin(), by_phase.end(), std::size_t{0});
}

std::size_t live_server::connections(http::phase p) const {
  return server.connections()[static_cast<std::size_t>(p)];
}

bool live_server::await_no_connections() const {
  return eventually([this] { return connections() == 0; });
}

bool live_server::await_all_gone() const {
  client last = connect();
  last.shutdown_write();
  static_cast<void>(last.receive_rest());
  return last.how_it_ended() != ending::none && await_no_connections();
}

bool live_server::await_quiet() const {
  return eventually([this] { return server.in_flight().empty() && busy() == 0; });
}

std::string live_server::left() const {
  std::string text;
  for (const auto& r : server.in_flight()) {
    text.append(r.method).append(" ").append(r.target).append(": ").append(name(r.state));
    text.append(" (").append(r.cause).append(")\n");
  }
  const auto by_phase = server.connections();
  for (std::size_t i = 0; i < by_phase.size(); ++i) {
    text.append(name(static_cast<http::phase>(i))).append(" ");
    text.append(std::to_string(by_phase[i])).append("\n");
  }
  return text;
}

std::size_t live_server::busy() const {
  const auto m = many.now();
  const auto o = one.now();
  return m.running + m.queued + o.running + o.queued;
}

void live_server::add(const char* method, const std::string& path, pool* on, handler h,
                      std::chrono::milliseconds deadline) {
  auto told = [this, path, h = std::move(h)](const context& ctx, const http::request& req,
                                             http::reply& res) {
    at.tell(path);
    h(ctx, req, res);
  };
  server.handle({.method = method,
                 .path = path,
                 .runs_on = on,
                 .deadline = deadline,
                 .answer = std::move(told)});
}

int live_server::number(const request& req, const char* name, int otherwise) {
  return req.has_param(name) ? std::stoi(req.get_param_value(name)) : otherwise;
}

void live_server::add_rows(const std::string& path, pool* on, std::chrono::milliseconds deadline) {
  add(
      "GET", path, on,
      [this, path](const context& ctx, const request& req, response& res) {
        const int n = number(req, "n", -1);
        const auto size = static_cast<std::size_t>(number(req, "size", 10));
        http::stream(ctx, req, res, "text/plain",
                     [this, path, n, size](const context& c, http::body_writer& out) {
                       const std::string row(size, 'r');
                       std::error_code ec;
                       for (int i = 0; i != n && !ec; ++i) {
                         ec = out.write(c, row);
                         if (n < 0 && size < 100 && !ec) {  // no faster than anybody can read
                           ec = sleep_for(c, 1ms);
                         }
                       }
                       at.tell(path + " over");
                       return ec;
                     });
      },
      deadline);
}

void live_server::add_answers() {
  const auto fast = [](const context&, const request&, response& res) {
    res.set_content("fast\n", "text/plain");
  };
  const auto echo = [](const context&, const request& req, response& res) {
    res.set_content(req.body, "application/octet-stream");
  };
  const auto query = [](const context&, const request& req, response& res) {
    std::string text;
    for (const auto& [key, value] : req.params) {
      text.append(key).append("=").append(value).append("\n");
    }
    res.set_content(text + req.path + "\n" + req.target, "text/plain");
  };
  const auto big = [](const context&, const request& req, response& res) {
    res.set_content(std::string(static_cast<std::size_t>(number(req, "size", 1)), 'b'),
                    "application/octet-stream");
  };
  const auto broken = [](const context&, const request&, response&) {
    throw std::runtime_error("a secret of the handler");
  };
  const auto odd = [](const context&, const request&, response&) { throw 42; };
  const auto bad = [](const context& ctx, const request&, response& res) {
    http::set_problem(res, 400, "the handler does not like it", http::request_id(ctx));
  };
  add("GET", "/fast", nullptr, fast);
  add("GET", "/pool/fast", &many, fast);
  add("GET", "/one/fast", &one, fast);
  add("POST", "/echo", nullptr, echo);
  add("PUT", "/echo", nullptr, echo);
  add("POST", "/pool/echo", &many, echo);
  add("GET", "/query", nullptr, query);
  add("GET", "/big", nullptr, big);
  add("GET", "/pool/big", &many, big);
  add("GET", "/throw", nullptr, broken);
  add("GET", "/pool/throw", &many, broken);
  add("GET", "/pool/throw_int", &many, odd);
  add("GET", "/pool/bad", &many, bad);
  add_rows("/rows", nullptr);
  add_rows("/pool/rows", &many);
  add("GET", "/pool/rows_broken", &many, [](const context& ctx, const request& req, response& res) {
    http::stream(ctx, req, res, "text/plain", [](const context& c, http::body_writer& out) {
      static_cast<void>(out.write(c, "one row\n"));
      return std::make_error_code(std::errc::io_error);
    });
  });
  add("GET", "/pool/rows_throw", &many, [](const context& ctx, const request& req, response& res) {
    http::stream(ctx, req, res, "text/plain",
                 [](const context& c, http::body_writer& out) -> std::error_code {
                   static_cast<void>(out.write(c, "one row\n"));
                   throw std::runtime_error("a secret of the producer");
                 });
  });
}

void live_server::add_waits(std::chrono::milliseconds deadline) {
  const auto wait = [](const context& ctx, const request&, response&) {
    static_cast<void>(wait_done(ctx));
  };
  const auto stubborn = [this](const context&, const request&, response& res) {
    gate.wait();
    res.set_content("at last\n", "text/plain");
  };
  const auto in_two = [this](const context& ctx, const request& req, response& res) {
    http::stream(ctx, req, res, "text/plain", [this](const context& c, http::body_writer& out) {
      if (const auto ec = out.write(c, "first\n")) {
        return ec;
      }
      gate.wait();
      return out.write(c, "last\n");
    });
  };
  // Answers although its context has ended.
  const auto late = [](const context& ctx, const request&, response& res) {
    static_cast<void>(wait_done(ctx));
    res.set_content("late\n", "text/plain");
  };
  // Has half an answer when the end unwinds it.
  const auto thrown = [](const context& ctx, const request&, response& res) {
    res.set_content("half of", "text/plain");
    static_cast<void>(wait_done(ctx));
    ctx.throw_if_done();
  };
  add("GET", "/wait", &many, wait);
  add("POST", "/wait", &many, wait);
  add("GET", "/one/wait", &one, wait);
  add("GET", "/stubborn", &many, stubborn);
  add("GET", "/one/stubborn", &one, stubborn);
  add("GET", "/stubborn/rows", &many, in_two);
  add("GET", "/late", &many, late);
  add("GET", "/deadline/wait", &many, wait, deadline);
  add("POST", "/deadline/wait", &many, wait, deadline);
  add("GET", "/deadline/late", &many, late, deadline);
  add("GET", "/deadline/throw", &many, thrown, deadline);
  add("GET", "/deadline/one", &one, wait, deadline);
  add_rows("/deadline/rows", &many, deadline);
  add(
      "GET", "/deadline/big", nullptr,
      [](const context&, const request& req, response& res) {
        res.set_content(std::string(static_cast<std::size_t>(number(req, "size", 1)), 'b'),
                        "application/octet-stream");
      },
      deadline);
}

}  // namespace hangup::wire
