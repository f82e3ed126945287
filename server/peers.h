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
  std::string authorization{};  // of the one who asks; empty: none
};

class peers {
 public:
  explicit peers(const config::admin_t& c);

  // The addresses of all replicas, each once: a name stands for all of its addresses. A name
  // without one is among `unknown`. Blocks.
  std::vector<std::string> addresses(const context& ctx, std::vector<std::string>& unknown) const;

  // Asks all of these at the same time, and returns their answers in the same order. Blocks, for at
  // most admin.peer_timeout_ms, and until the end of the context.
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
