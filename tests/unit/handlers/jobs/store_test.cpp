// Jobs, without a server: what outlives a request, within which bounds, and how it is stopped.
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "handlers/jobs/store.h"
#include "hangup/context/detail/timer.h"
#include "hangup/context/wait.h"
#include "hangup/http/causes.h"
#include "hangup/http/request.h"
#include "http/exchange/exchange.h"
#include "tests/support/eventually.h"

namespace hangup::jobs {
namespace {

using namespace std::chrono_literals;

// A gate that work waits at, whatever its context says.
class gate {
 public:
  void wait() {
    std::unique_lock hold(mutex_);
    ++here_;
    changed_.notify_all();
    changed_.wait(hold, [this] { return open_; });
  }
  bool await(int count = 1) {
    std::unique_lock hold(mutex_);
    return changed_.wait_for(hold, test::patience, [&] { return here_ >= count; });
  }
  void open() {
    const std::lock_guard hold(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int here_ = 0;
  bool open_ = false;
};

// A store, a pool, and what the store has said.
class jobs_of_a_store : public ::testing::Test {
 protected:
  static options bounded(std::size_t most = 8, std::size_t one = 1000, std::size_t all = 1500) {
    options o;
    o.jobs = most;
    o.result_bytes = one;
    o.total_bytes = all;
    return o;
  }
  store& with(options how = bounded()) {
    how.say = [this](bool, const std::string& line) {
      const std::lock_guard hold(mutex_);
      lines_.push_back(line);
    };
    return store_.emplace(std::move(how));
  }
  bool has_said(const std::string& text) {
    const std::lock_guard hold(mutex_);
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const auto& l) { return l.find(text) != std::string::npos; });
  }
  // Starts work, which has to be taken; the id.
  std::string start(work w, const context& request = background()) {
    const auto b = store_->start(request, workers, {"the work", "text/plain", std::move(w)});
    EXPECT_TRUE(b.job) << b.detail;
    return b.job ? b.job->id : "";
  }
  bool becomes(const std::string& id, state s) {
    return test::eventually([&] {
      const auto v = store_->find(id);
      return v && v->state == s;
    });
  }
  static work writing(std::size_t bytes) {
    return [bytes](const context&, result& to, std::string& why) {
      const auto ec = to.write(std::string(bytes, 'x'));
      why = ec ? to.in_words(ec) : "";
      return ec;
    };
  }
  static std::error_code waiting(const context& ctx, result&, std::string&) {
    return wait_done(ctx).get();
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;

 protected:
  pool workers{{.name = "p", .workers = 2, .queue = 4}};
  std::optional<store> store_;
};

struct some_value {
  using type = int;
};

TEST_F(jobs_of_a_store, outlive_their_request_with_its_values_and_without_its_end) {
  store& s = with();
  gate in;
  std::optional<context> of_job;
  std::string id;
  {
    const auto request = with_timeout(background(), 1h);
    const auto ctx = with_value<http::request_key>(
        with_value<some_value>(request.ctx, 7),
        http::request_stamp("request-1", http::trace::continued({}, {})));
    id = start(
        [&](const context& c, result& to, std::string&) {
          of_job.emplace(c);
          in.wait();
          to.count_row();
          return to.write("text");
        },
        ctx);
    ASSERT_TRUE(in.await());
    request.cancel({.kind = http::causes::client_closed});
  }
  EXPECT_FALSE(of_job->done());
  EXPECT_EQ(of_job->deadline(), std::nullopt);
  EXPECT_EQ(*of_job->value<some_value>(), 7);
  EXPECT_EQ(http::request_id(*of_job), "request-1");
  EXPECT_EQ(s.find(id)->state, state::running);
  EXPECT_EQ(s.result_of(id), nullptr);
  in.open();
  ASSERT_TRUE(becomes(id, state::done));
  const auto v = *s.find(id);
  EXPECT_EQ(v.request_id, "request-1");
  EXPECT_EQ(v.rows, 1U);
  EXPECT_EQ(v.bytes, 4U);
  EXPECT_EQ(v.cause, "");
  EXPECT_LE(v.accepted, v.started);
  EXPECT_LE(v.started, v.ended);
  EXPECT_LT(v.ended, v.expires);
  EXPECT_EQ(s.result_of(id)->pieces(), std::vector<std::string>{"text"});
  EXPECT_TRUE(has_said("job " + id + " begins: the work, after "));
  EXPECT_TRUE(has_said("job " + id + " done, 1 rows, 4 bytes, "));
  EXPECT_TRUE(has_said(" [request-1 "));
}

TEST_F(jobs_of_a_store, have_a_deadline_of_their_own) {
  auto how = bounded();
  how.deadline = 30ms;
  store& s = with(how);
  const auto id = start(waiting);
  ASSERT_TRUE(becomes(id, state::failed));
  EXPECT_EQ(s.find(id)->cause, "deadline exceeded: the job's own");
}

TEST_F(jobs_of_a_store, leave_no_timer_behind_when_they_are_done_before_their_deadline) {
  auto how = bounded();
  how.deadline = 1h;
  with(how);
  const auto before = tree::armed_timers();
  const auto id = start(writing(1));
  ASSERT_TRUE(becomes(id, state::done));
  EXPECT_TRUE(test::eventually([&] { return tree::armed_timers() == before + 1; }))
      << "to forget it";
  store_.reset();
  EXPECT_EQ(tree::armed_timers(), before);
}

TEST_F(jobs_of_a_store, with_too_large_a_result_fail_and_keep_nothing) {
  store& s = with();
  const auto fits = start(writing(1000));
  ASSERT_TRUE(becomes(fits, state::done));
  EXPECT_EQ(s.now().bytes, 1000U);
  const auto id = start([](const context&, result& to, std::string& why) {
    std::error_code ec;
    for (int i = 0; i < 1'000'000 && !ec; ++i) {
      ec = to.write("ten bytes.");
    }
    why = to.in_words(ec);
    return ec;
  });
  ASSERT_TRUE(becomes(id, state::failed));
  EXPECT_EQ(s.find(id)->cause,
            "there is no room for more results: all of them have no more than 1500 bytes");
  EXPECT_EQ(s.now().bytes, 1000U);
  ASSERT_TRUE(s.end(fits, "not needed")->was_over);
  EXPECT_EQ(s.now().bytes, 0U);
  const auto large = start(writing(1001));
  ASSERT_TRUE(becomes(large, state::failed));
  EXPECT_EQ(s.find(large)->cause, "the result is larger than allowed: more than 1000 bytes");
  EXPECT_EQ(s.now().bytes, 0U);
  EXPECT_EQ(s.result_of(large), nullptr);
}

TEST_F(jobs_of_a_store, of_more_than_one_piece_are_whole) {
  auto how = bounded();
  how.result_bytes = how.total_bytes = 1U << 20U;
  store& s = with(how);
  std::string all;
  const auto id = start([&all](const context&, result& to, std::string&) {
    for (std::size_t i = 0; i < 3000; ++i) {
      const std::string piece(i % 97, static_cast<char>('a' + i % 26));
      all += piece;
      EXPECT_FALSE(to.write(piece));
    }
    return std::error_code();
  });
  ASSERT_TRUE(becomes(id, state::done));
  std::string kept;
  for (const auto& piece : s.result_of(id)->pieces()) {
    kept += piece;
  }
  EXPECT_EQ(kept, all);
  EXPECT_EQ(s.find(id)->bytes, all.size());
}

TEST_F(jobs_of_a_store, are_refused_when_there_are_too_many_until_one_is_forgotten) {
  store& s = with(bounded(2));
  const auto one = start(writing(1));
  const auto two = start(waiting);
  ASSERT_TRUE(becomes(one, state::done));
  const auto b = s.start(background(), workers, {"one more", "", writing(1)});
  EXPECT_FALSE(b.job);
  EXPECT_EQ(b.why, refusal::jobs);
  EXPECT_EQ(b.detail,
            "there are 2 jobs, which is the limit; one that has ended is removed after 600 s, or "
            "by DELETE");
  EXPECT_GT(b.retry_after, 500s) << "when the first is forgotten";
  EXPECT_EQ(s.now().refused[static_cast<std::size_t>(refusal::jobs)], 1U);
  ASSERT_TRUE(s.end(one, "")->was_over);
  start(waiting);
}

TEST_F(jobs_of_a_store, are_refused_when_the_results_have_all_the_bytes) {
  store& s = with(bounded(8, 1000, 1000));
  const auto id = start(writing(1000));
  ASSERT_TRUE(becomes(id, state::done));
  EXPECT_EQ(s.start(background(), workers, {"", "", writing(1)}).why, refusal::bytes);
  s.end(id, "");
  start(writing(1));
}

TEST_F(jobs_of_a_store, are_refused_when_their_pool_is_full_and_leave_nothing) {
  store& s = with();
  for (int i = 0; i < 6; ++i) {
    start(waiting);
  }
  const auto b = s.start(background(), workers, {"", "", waiting});
  EXPECT_EQ(b.why, refusal::pool);
  EXPECT_EQ(b.detail, "the queue of the pool \"p\" is full");
  EXPECT_EQ(s.newest_first(100).size(), 6U);
  EXPECT_EQ(s.active(), 6U);
}

TEST_F(jobs_of_a_store, that_wait_for_a_worker_are_over_at_once_when_they_are_ended) {
  store& s = with();
  gate in;
  const work busy = [&](const context&, result&, std::string&) {
    in.wait();
    return std::error_code();
  };
  start(busy);
  start(busy);
  ASSERT_TRUE(in.await(2));
  bool ran = false;
  const auto id = start([&](const context&, result&, std::string&) {
    ran = true;
    return std::error_code();
  });
  EXPECT_EQ(s.find(id)->state, state::queued);
  const auto e = s.end(id, "nobody wants it");
  ASSERT_TRUE(e);
  EXPECT_FALSE(e->was_over);
  EXPECT_EQ(e->job.state, state::canceled);
  EXPECT_EQ(e->job.cause, "canceled: nobody wants it");
  EXPECT_EQ(e->job.started, std::nullopt);
  EXPECT_TRUE(has_said("never started"));
  in.open();
  EXPECT_FALSE(s.drain(background(), test::patience));
  EXPECT_FALSE(ran);
}

TEST_F(jobs_of_a_store, that_run_stop_when_they_are_ended_and_are_forgotten_by_the_next_end) {
  store& s = with();
  gate stopping;
  const auto id = start([&](const context& ctx, result&, std::string&) {
    const std::error_code ec = wait_done(ctx);
    stopping.wait();
    return ec;
  });
  ASSERT_TRUE(becomes(id, state::running));
  auto e = s.end(id, "first");
  ASSERT_TRUE(e && !e->was_over);
  ASSERT_TRUE(stopping.await());
  e = s.end(id, "second");
  ASSERT_TRUE(e && !e->was_over);
  EXPECT_EQ(e->job.state, state::running) << "it has not stopped yet";
  EXPECT_EQ(e->job.cause, "canceled: first");
  stopping.open();
  ASSERT_TRUE(becomes(id, state::canceled));
  EXPECT_EQ(s.find(id)->cause, "canceled: first");
  EXPECT_TRUE(has_said("job " + id + " canceled: canceled: first, 0 rows, 0 bytes, "));
  EXPECT_TRUE(has_said(", stopped in "));
  e = s.end(id, "third");
  ASSERT_TRUE(e && e->was_over);
  EXPECT_FALSE(s.end(id, "fourth"));
  EXPECT_FALSE(s.find(id));
}

TEST_F(jobs_of_a_store, that_are_done_although_they_were_ended_are_done) {
  store& s = with();
  const auto id = start([](const context& ctx, result& to, std::string&) {
    static_cast<void>(wait_done(ctx));
    return to.write("all the same");
  });
  ASSERT_TRUE(s.end(id, "too late"));
  ASSERT_TRUE(test::eventually([&] { return is_over(s.find(id)->state); }));
  const auto v = *s.find(id);
  if (v.started) {  // else it was ended before a worker had it
    EXPECT_EQ(v.state, state::done);
    EXPECT_EQ(v.cause, "");
  }
}

TEST_F(jobs_of_a_store, are_forgotten_when_their_time_is_over_but_not_under_a_reader) {
  auto how = bounded();
  how.keep = 100ms;
  store& s = with(how);
  gate in;
  const auto id = start([&](const context&, result& to, std::string&) {
    in.wait();
    return to.write("kept");
  });
  std::shared_ptr<const result> held;
  in.open();
  ASSERT_TRUE(test::eventually([&] {
    held = s.result_of(id);
    return held != nullptr;
  }));
  ASSERT_TRUE(test::eventually([&] { return !s.find(id); }));
  EXPECT_EQ(s.now().expired, 1U);
  EXPECT_EQ(held->pieces().front(), "kept");
  EXPECT_EQ(s.now().bytes, 4U);
  held.reset();
  EXPECT_TRUE(test::eventually([&] { return s.now().bytes == 0; }));
  EXPECT_TRUE(s.newest_first(10).empty());
}

TEST_F(jobs_of_a_store, are_forgotten_one_after_the_other_though_some_were_ended_by_hand) {
  auto how = bounded();
  how.keep = 50ms;
  store& s = with(how);
  for (int i = 0; i < 50; ++i) {
    const auto id = start(writing(10));
    if (i % 3 == 0) {
      ASSERT_TRUE(test::eventually([&] {
        const auto v = s.find(id);
        return !v || is_over(v->state);
      }));
      s.end(id, "");
    }
    ASSERT_TRUE(test::eventually([&] { return s.newest_first(10).size() < 6; }));
  }
  EXPECT_TRUE(test::eventually([&] { return s.newest_first(10).empty(); }));
  EXPECT_EQ(s.now().ended[static_cast<std::size_t>(state::done)], 50U);
  EXPECT_TRUE(test::eventually([&] { return s.now().bytes == 0; }));
}

TEST_F(jobs_of_a_store, that_throw_have_failed_and_say_why_in_the_log_only) {
  store& s = with();
  const auto id = start([](const context&, result&, std::string&) -> std::error_code {
    throw std::runtime_error("a secret");
  });
  ASSERT_TRUE(becomes(id, state::failed));
  EXPECT_EQ(s.find(id)->cause, "the server failed to do this job");
  EXPECT_TRUE(has_said("has thrown: a secret"));
}

TEST_F(jobs_of_a_store, that_throw_because_their_context_has_ended_are_canceled) {
  store& s = with();
  gate in;
  const auto id = start([&](const context& ctx, result&, std::string&) -> std::error_code {
    in.wait();
    ctx.throw_if_done();
    return {};
  });
  ASSERT_TRUE(in.await());
  s.end(id, "enough");
  in.open();
  ASSERT_TRUE(becomes(id, state::canceled));
}

TEST_F(jobs_of_a_store, that_do_not_stop_are_reported_and_again_when_they_have) {
  auto how = bounded();
  how.late_after = 10ms;
  store& s = with(how);
  gate in;
  const auto id = start([&](const context& ctx, result&, std::string&) {
    in.wait();
    return ctx.err();
  });
  ASSERT_TRUE(in.await());
  s.end(id, "enough");
  EXPECT_TRUE(
      test::eventually([&] { return has_said("late stopper: job " + id + " still works "); }));
  EXPECT_EQ(s.now().late, 1U);
  in.open();
  ASSERT_TRUE(becomes(id, state::canceled));
  EXPECT_TRUE(has_said("late stopper: job " + id + " stopped at last, "));
  EXPECT_EQ(s.now().late, 0U);
  EXPECT_EQ(s.now().late_total, 1U);
}

TEST_F(jobs_of_a_store, are_waited_for_by_a_drain_which_ends_those_that_take_too_long) {
  store& s = with();
  gate in;
  const auto brief = start([&](const context& ctx, result& to, std::string&) {
    in.wait();
    return ctx.done() ? ctx.err() : to.write("in time");
  });
  const auto hopeless = start(waiting);
  ASSERT_TRUE(in.await());
  ASSERT_TRUE(becomes(hopeless, state::running));
  const auto patient = with_cancel(background());
  std::thread drain([&] { EXPECT_FALSE(s.drain(patient.ctx, test::patience)); });
  ASSERT_TRUE(test::eventually([&] {
    return s.start(background(), workers, {"", "", waiting}).why == refusal::stopping;
  }));
  EXPECT_GE(s.active(), 2U);
  in.open();
  ASSERT_TRUE(becomes(brief, state::done));
  EXPECT_EQ(s.find(hopeless)->state, state::running) << "there is time left";
  patient.cancel();
  drain.join();
  EXPECT_EQ(s.find(hopeless)->state, state::canceled);
  EXPECT_EQ(s.find(hopeless)->cause, "server shutdown");
  EXPECT_FALSE(s.drain(background(), test::patience)) << "the second finds nothing";
}

TEST_F(jobs_of_a_store, that_do_not_stop_are_not_waited_for_beyond_patience) {
  store& s = with();
  gate in;
  start([&](const context&, result&, std::string&) {
    in.wait();
    return std::error_code();
  });
  ASSERT_TRUE(in.await());
  const auto over = with_timeout(background(), 0s);
  EXPECT_EQ(s.drain(over.ctx, 20ms), std::errc::timed_out);
  EXPECT_EQ(s.active(), 1U);
  in.open();
  EXPECT_FALSE(s.drain(over.ctx, test::patience));
}

TEST_F(jobs_of_a_store, are_ended_when_it_is_destroyed) {
  with();
  for (int i = 0; i < 6; ++i) {
    start(waiting);
  }
  store_.reset();
  EXPECT_TRUE(test::eventually([&] { return workers.now().running == 0; }));
  EXPECT_EQ(workers.now().queued, 0U);
}

TEST_F(jobs_of_a_store, have_ids_of_their_own) {
  with(bounded(100));
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const auto id = start(writing(1));
    EXPECT_EQ(id.size(), 32U);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    ids.insert(id);
    becomes(id, state::done);
  }
  EXPECT_EQ(ids.size(), 100U);
}

// What is done to jobs while they begin and end, by several threads, from a seed that is printed.
class jobs_in_a_race : public jobs_of_a_store, public ::testing::WithParamInterface<unsigned> {};

TEST_P(jobs_in_a_race, end_once_and_give_everything_back) {
  const unsigned seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  auto how = bounded(16, 1000, 4000);
  how.keep = std::chrono::milliseconds(1 + seed % 3);
  how.deadline = std::chrono::milliseconds(seed % 2 == 0 ? 0 : 2);
  store& s = with(how);
  std::atomic<std::uint64_t> taken{0};
  const auto somebody = [&](unsigned which) {
    std::mt19937 random(seed * 31 + which);
    for (int i = 0; i < 150; ++i) {
      const auto time = std::chrono::microseconds(random() % 300);
      const bool waits = random() % 4 == 0;
      const auto size = random() % 1200;
      const auto request = with_cancel(background());
      const auto b =
          s.start(request.ctx, workers,
                  {"raced", "", [=](const context& ctx, result& to, std::string&) {
                     if (std::error_code ec = waits ? wait_done(ctx) : sleep_for(ctx, time)) {
                       return ec;
                     }
                     return to.write(std::string(size, 'r'));
                   }});
      if (b.job) {
        taken.fetch_add(1);
        if (waits || random() % 2 == 0) {
          const auto end = std::chrono::microseconds(random() % 400);
          std::this_thread::sleep_for(end);
          s.end(b.job->id, "raced");
        }
      }
      for (const auto& v : s.newest_first(3)) {  // those of the others, too
        if (random() % 3 == 0) {
          s.end(v.id, "raced by another");
        }
        const auto r = s.result_of(v.id);
        EXPECT_TRUE(!r || r->pieces().empty() || r->pieces().front().front() == 'r');
      }
    }
  };
  std::vector<std::thread> all;
  for (unsigned i = 0; i < 3; ++i) {
    all.emplace_back(somebody, i);
  }
  if (seed % 4 == 3) {  // the server stops in the middle of it
    std::this_thread::sleep_for(5ms);
    const auto soon = with_timeout(background(), 3ms);
    EXPECT_FALSE(s.drain(soon.ctx, test::patience));
  }
  for (auto& t : all) {
    t.join();
  }
  const auto soon = with_timeout(background(), 0s);
  EXPECT_FALSE(s.drain(soon.ctx, test::patience));
  EXPECT_TRUE(test::eventually([&] { return s.newest_first(100).empty(); }));
  const auto now = s.now();
  EXPECT_EQ(now.ended[2] + now.ended[3] + now.ended[4], taken.load());
  EXPECT_EQ(s.active(), 0U);
  EXPECT_TRUE(test::eventually([&] { return s.now().bytes == 0; }));
}

INSTANTIATE_TEST_SUITE_P(by_seed, jobs_in_a_race, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace hangup::jobs
