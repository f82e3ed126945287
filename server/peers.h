// The other replicas of this server (admin.peers), asked for their pages for operators. No state is
// shared with them: each question finds out anew which there are, and what one of them does not
// answer costs at most admin.peer_timeout_ms and is said. They are asked by plain HTTP.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/relay/name_lookup.h"
#include "hangup/context/context.h"
#include "server/config.h"
#include "server/mistakes.h"

namespace hangup::server {

// What is wrong with admin.peers and the schema cannot say.
void check_peers(const nlohmann::json& admin, mistakes& wrong);

// What a replica has answered.
struct peer_answer {
  std::string replica;  // "10.0.0.2:8081"
  int status = 0;       // 0: it has not answered; `error` says why
  std::string body{};
  std::string error{};
};

struct peer_question {
  std::string method;  // "GET", "DELETE"
  std::string target;
  std::string request_id;
  std::string client{};         // who asks: "127.0.0.1:50312"; empty: nobody is named
  std::string authorization{};  // of the one who asks; empty: none
};

class peers {
 public:
  // More addresses than these are not asked at a time.
  static constexpr std::size_t most_addresses = 64;

  // `look` is for tests.
  explicit peers(const config::admin_t& c, const handlers::name_lookup::function& look =
                                               handlers::name_lookup::system_lookup);

  // A context with the time for one question: admin.peer_timeout_ms for both calls below together.
  cancelable patience(const context& ctx) const { return with_timeout(ctx, timeout_); }

  // The addresses of all replicas, each once: a name stands for all of its addresses. What cannot
  // be asked is among `not_asked`, with the reason. Blocks, for at most half of
  // admin.peer_timeout_ms, so that a name server that is silent leaves time for the others.
  std::vector<std::string> addresses(const context& ctx, std::vector<peer_answer>& not_asked) const;

  // Asks all of these at the same time, and returns their answers in the same order. Blocks until
  // the end of the context, which must have a deadline.
  std::vector<peer_answer> ask(const context& ctx, const std::vector<std::string>& replicas,
                               const peer_question& what) const;

 private:
  struct peer {
    std::string host;
    std::uint16_t port;
    std::unique_ptr<const handlers::name_lookup> lookup;
  };

  const std::chrono::milliseconds timeout_;
  std::vector<peer> all_;
};

}  // namespace hangup::server
