#include "server/relay_upstreams.h"

#include <stdexcept>

#include "server/message_text.h"
#include "server/text_file.h"

namespace hangup::server {
namespace {

// `why` is "url: has no host".
std::string wrong_with(const config::relay_t::upstream_t& u, std::string_view why) {
  const bool is_url = why.starts_with("url: ");
  return (is_url ? "url: found " + shown(u.url) : "ca_file: found " + shown(u.ca_file)) +
         ", which " + std::string(why.substr(why.find(": ") + 2)) +
         (is_url ? ", allowed http://NAME or https://NAME with or without :PORT, or unix:PATH"
                 : ", allowed a PEM file");
}

}  // namespace

std::unique_ptr<const handlers::upstream> open_upstream(const std::string& name,
                                                        const config::relay_t& c) {
  const auto& u = c.upstreams.at(name);
  const auto path = "relay.upstreams." + name + ".";
  if (const auto kind = kind_of_special_file(u.ca_file); !kind.empty()) {
    throw std::invalid_argument(path + "ca_file: found " + shown(u.ca_file) + ", which is " + kind +
                                ", allowed a PEM file");
  }
  try {
    return std::make_unique<const handlers::upstream>(
        name, handlers::upstream_options{.url = u.url,
                                         .ca_file = u.ca_file,
                                         .connect_timeout = c.connect_timeout,
                                         .stall_timeout = c.stall_timeout,
                                         .max_head_bytes = c.max_head_bytes});
  } catch (const std::invalid_argument& e) {
    throw std::invalid_argument(path + wrong_with(u, e.what()));
  }
}

}  // namespace hangup::server
