#include "server/asking_client.h"

#include <algorithm>

#include "http/net/address.h"
#include "http/wire/grammar.h"

namespace hangup::server {
namespace {

constexpr std::string_view name_of_for = "for=\"";
constexpr std::size_t most_bytes = 128;

bool may_be_in_a_client(char c) noexcept {
  return http::is_alphanumeric(c) ||
         std::string_view(".:[]=,%-_").find(c) != std::string_view::npos;
}

// Only the form that forwarded_for() makes; empty: it is another one. A proxy that adds a further
// client is not understood, and so says nothing.
std::string_view named_in(const http::request& req) {
  const auto all = req.header("Forwarded").value_or("");
  if (req.count_header("Forwarded") != 1 || !all.starts_with(name_of_for) || !all.ends_with('"')) {
    return {};
  }
  const auto client = all.substr(name_of_for.size(), all.size() - name_of_for.size() - 1);
  return client.size() <= most_bytes &&
                 std::all_of(client.begin(), client.end(), may_be_in_a_client)
             ? client
             : std::string_view();
}

}  // namespace

std::string client_text(const http::request& req) {
  return http::client_text({.remote_address = std::string(req.remote_address()),
                            .remote_port = req.remote_port(),
                            .is_unix = req.remote_address().starts_with("unix:")});
}

std::string forwarded_for(std::string_view client) {
  return std::string(name_of_for).append(client).append("\"");
}

std::string asking_client(const http::request& req, bool is_known) {
  auto connected = client_text(req);
  const auto named = is_known ? named_in(req) : std::string_view();
  return named.empty() ? connected : std::string(named).append(" through ").append(connected);
}

}  // namespace hangup::server
