// A bounded set of connections, kept between queries. An engine gives it the type of its
// connection; opening, resetting and closing one are the engine's.
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
//   l.keep();  // fit for the next query; else it is closed
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "handlers/query/database.h"
#include "handlers/query/places.h"

namespace hangup::query {

template <class Connection>
class connection_pool;

// A place in the pool and, if it has been opened, the connection in it. Move-only. Destroyed or
// assigned to, it gives the place back; without keep() the connection is closed first, on this
// thread.
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
  // Closes it and keeps the place: for a connection that turns out to be dead.
  void close() noexcept {
    if (connection_) {
      connection_.reset();
      from_->closed();
    }
  }
  // It is fit for the next query.
  void keep() noexcept { fit_ = true; }

 private:
  friend class connection_pool<Connection>;
  connection_pool<Connection>* from_ = nullptr;
  place at_;  // given back last: who gets it finds the connection
  std::unique_ptr<Connection> connection_;
  bool fit_ = false;
};

// Thread-safe. Must outlive its leases.
template <class Connection>
class connection_pool {
 public:
  // So many at once, and `spare` more for clients who have none.
  connection_pool(std::size_t ordinary, std::size_t spare) : places_(ordinary, spare) {
    idle_.reserve(ordinary + spare);
  }

  // Takes a place (places.h says for whom), with the connection that was given back last if there
  // is one. Waits for at most `patience`, then errc::busy; ctx.err() if the context ends first. Who
  // gives up takes nothing.
  std::error_code take(const context& ctx, std::chrono::milliseconds patience,
                       lease<Connection>& to) {
    place at;
    if (const auto ec = places_.take(ctx, patience, at)) {
      return ec;
    }
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
    return {};
  }

  // `connections`: those that are open; `in_use`: places that are taken.
  database_stats now() const {
    database_stats s;
    {
      const std::lock_guard hold(mutex_);
      s = stats_;
    }
    s.in_use = places_.taken();
    s.waiting = places_.waiting();
    return s;
  }

 private:
  friend class lease<Connection>;

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
      c.reset();  // before the place is free: there are never more than the pool allows
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

  places places_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // guarded by mutex_; the last used is the next
  database_stats stats_;                           // likewise, but for `in_use` and `waiting`
};

}  // namespace hangup::query
