// A bounded set of connections that are kept between queries. Each engine uses it with its own type
// of connection, and opens, resets and closes connections itself.
//
//   connection_pool<link> links(4, 1);
//   lease<link> l;
//   if (const auto ec = links.take(ctx, std::chrono::seconds(2), l)) {
//     return ec;  // ctx.err(), or errc::busy
//   }
//   if (!l) {
//     l.open_with(std::make_unique<link>());  // a place without a connection yet
//   }
//   l->ask();
//   l.keep();  // usable for the next query; otherwise it is closed
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "handlers/query/database.h"
#include "handlers/query/fair_semaphore.h"
#include "hangup/context/task.h"

namespace hangup::query {

template <class Connection>
class connection_pool;

// A place in the pool and, once it has been opened, the connection in it. Move-only. When it is
// destroyed or assigned to, the place is given back. Unless keep() was called, the connection is
// closed first, on this thread.
template <class Connection>
class lease {
 public:
  lease() = default;
  lease(lease&& other) noexcept
      : from_(std::exchange(other.from_, nullptr)),
        at_(std::move(other.at_)),
        connection_(std::move(other.connection_)),
        fit_(other.fit_) {}
  lease& operator=(lease&& other) noexcept {
    std::swap(from_, other.from_);
    std::swap(at_, other.at_);
    std::swap(connection_, other.connection_);
    std::swap(fit_, other.fit_);
    return *this;
  }
  ~lease() {
    if (from_ != nullptr) {
      from_->give_back(std::move(connection_), fit_);
    }
  }

  explicit operator bool() const noexcept { return connection_ != nullptr; }
  Connection& operator*() const noexcept { return *connection_; }
  Connection* operator->() const noexcept { return connection_.get(); }

  void open_with(std::unique_ptr<Connection> opened) {
    connection_ = std::move(opened);
    from_->opened();
  }
  // Closes the connection but keeps the place: for a connection that turns out to be dead.
  void close() noexcept {
    if (connection_) {
      connection_.reset();
      from_->closed();
    }
  }
  // Marks the connection as usable for the next query.
  void keep() noexcept { fit_ = true; }

 private:
  friend class connection_pool<Connection>;
  connection_pool<Connection>* from_ = nullptr;
  permit at_;  // given back last, so that whoever gets it finds the connection
  std::unique_ptr<Connection> connection_;
  bool fit_ = false;
};

// Thread-safe. Must outlive all its leases.
template <class Connection>
class connection_pool {
 public:
  // At most `ordinary` connections at a time, and `spare` more for clients that have none.
  connection_pool(std::size_t ordinary, std::size_t spare) : permits_(ordinary, spare) {
    idle_.reserve(ordinary + spare);
  }

  // Takes a place (fair_semaphore.h explains which client gets it), with the most recently returned
  // connection if there is one. Waits at most for `patience`, then returns errc::busy; returns
  // ctx.err() if the context ends first. On error nothing has been taken.
  std::error_code take(const context& ctx, std::chrono::milliseconds patience,
                       lease<Connection>& to) {
    permit at;
    const auto ec = permits_.take(ctx, patience, at);
    if (!ec) {
      lend(std::move(at), to);
    }
    return ec;
  }
  // The same for a task, which holds no thread while it waits.
  task<std::error_code> take_later(const context& ctx, std::chrono::milliseconds patience,
                                   lease<Connection>& to) {
    permit at;
    const auto ec = co_await permits_.take_later(ctx, patience, at);
    if (!ec) {
      lend(std::move(at), to);
    }
    co_return ec;
  }

  // `connections` counts the open ones, `in_use` the places that are taken.
  database_stats now() const {
    database_stats s;
    {
      const std::lock_guard hold(mutex_);
      s = stats_;
    }
    s.in_use = permits_.taken();
    s.waiting = permits_.waiting();
    return s;
  }

 private:
  friend class lease<Connection>;

  void lend(permit at, lease<Connection>& to) {
    lease<Connection> taken;
    taken.from_ = this;
    taken.at_ = std::move(at);
    {
      const std::lock_guard hold(mutex_);
      if (!idle_.empty()) {
        taken.connection_ = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    to = std::move(taken);
  }
  void opened() {
    const std::lock_guard hold(mutex_);
    ++stats_.connections;
  }
  void closed() noexcept {
    const std::lock_guard hold(mutex_);
    --stats_.connections;
  }
  void give_back(std::unique_ptr<Connection> c, bool fit) noexcept {
    const bool had_one = c != nullptr;
    if (!fit) {
      c.reset();  // before the place is free, so that there are never too many
    }
    const std::lock_guard hold(mutex_);
    if (c) {
      ++stats_.kept;
      idle_.push_back(std::move(c));
    } else if (had_one) {
      ++stats_.dropped;
      --stats_.connections;
    }
  }

  fair_semaphore permits_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_; the last used is taken next
  database_stats stats_;  // guarded by mutex_; without `in_use` and `waiting`
};

}  // namespace hangup::query
