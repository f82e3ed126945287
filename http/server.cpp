#include "http/server.h"

#include "http/service.h"

namespace hangup::http {

server::server(options how) : how_(how) {}

server::~server() = default;

server& server::handle(route r) {
  routes_.add(std::move(r));
  return *this;
}

server& server::observe(observer& o) {
  observers_.push_back(&o);
  return *this;
}

void server::use_tls(std::shared_ptr<const tls_identity> as) {
  service_ ? service_->use_tls(std::move(as)) : identity_.swap(as);
}

std::error_code server::listen(const std::string& host, std::uint16_t port) {
  service_ = std::make_unique<service>(how_, routes_, observers_, std::move(identity_));
  if (const auto ec = service_->door().listen(host, port)) {
    service_.reset();
    return ec;
  }
  service_->door().start();
  return {};
}

std::uint16_t server::port() const noexcept {
  return service_ ? service_->door().port() : std::uint16_t{0};
}

void server::announce_drain() noexcept {
  if (service_) {
    service_->begin_drain();
  }
}

std::error_code server::drain(const context& ctx, std::chrono::milliseconds stop_patience) {
  if (!service_) {
    return {};
  }
  service_->begin_drain();
  service_->door().stop_listening();
  static_cast<void>(service_->wait_idle(ctx));  // either way what is left ends now
  service_->end_all();
  const auto [patience, cancel] = with_timeout(background(), stop_patience);
  // Who is just being answered gets the answer; then what is left of the connections is closed.
  if (const auto ec = service_->wait_idle(patience)) {
    return ec;
  }
  return service_->close_all(patience);
}

bool server::draining() const noexcept {
  return service_ && service_->draining();
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
  if (service_) {
    service_->each_in_flight(look);
  }
}

std::size_t server::in_flight_count() const noexcept {
  return service_ ? service_->in_flight() : 0;
}

std::array<std::size_t, phases> server::connections() const {
  return service_ ? service_->connections() : std::array<std::size_t, phases>{};
}

std::vector<const route*> server::routes() const {
  return routes_.all();
}

}  // namespace hangup::http
