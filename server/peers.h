// The other replicas of this server (admin.peers), asked for their pages for operators. No state is
// shared with them: each question finds out anew which there are, and what one of them does not
// answer costs at most admin.peer_timeout_ms and is said. They are asked by plain HTTP. What they
// answer is read as that of a stranger (peer_json.h).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "handlers/relay/name_lookup.h"
#include "hangup/context/context.h"
#include "server/config.h"
#include "server/mistakes.h"
#include "server/peer_json.h"

namespace hangup::server {

// What is wrong with admin.peers and the schema cannot say.
void check_peers(const nlohmann::json& admin, mistakes& wrong);

// How a question to a replica ended.
enum class peer_end : std::uint8_t {
  answered,     // as a replica does that has done what was asked
  refused,      // 401 or 403: the operator's token is not its own
  failed,       // another status
  not_asked,    // its name has no address, or there are more addresses than can be asked
  unreachable,  // no connection
  timed_out,    // no answer in time
  broken,       // what came is not HTTP, or not the whole of it
  malformed,    // the answer is too large, or none of a replica's pages
  canceled,     // nobody waits for the answer any more
};
inline constexpr int peer_ends = 9;
std::string_view name(peer_end end) noexcept;

// What a replica has answered.
struct peer_answer {
  std::string replica;  // "10.0.0.2:8081"
  peer_end end = peer_end::timed_out;
  int status = 0;      // 0: none has come
  std::string body{};  // if it has answered: what read_peer_json() finds nothing wrong with
  std::string error{"no answer in time"};  // why it has not answered; empty: it has
};

struct peer_question {
  std::string method;  // "GET", "DELETE"
  std::string target;
  peer_page page;
  std::string request_id;
  std::string client{};         // who asks: "127.0.0.1:50312"; empty: nobody is named
  std::string authorization{};  // of the one who asks; empty: none
};

class peers {
 public:
  // More addresses than these are not asked at a time.
  static constexpr std::size_t most_addresses = 64;
  // How large an answer may be when so many are asked: each has room of its own, so that what one
  // of them sends is no fault of another.
  static constexpr std::size_t room_for_each(std::size_t asked) noexcept {
    constexpr std::size_t all = 32U << 20U;
    constexpr std::size_t one = 4U << 20U;
    return asked * one <= all ? one : all / asked;
  }

  // `look` is for tests.
  explicit peers(const config::admin_t& c, const handlers::name_lookup::function& look =
                                               handlers::name_lookup::system_lookup);

  // A context with the time for one question: admin.peer_timeout_ms for both calls below together,
  // or less if the deadline is near: a tenth of what is left is for saying who has not answered.
  cancelable patience(const context& ctx) const;

  // The addresses of all replicas, each once: a name stands for all of its addresses. What cannot
  // be asked is among `not_asked`, with the reason. Blocks, for at most half of the time that the
  // context has, so that a name server that is silent leaves time for the others.
  std::vector<std::string> addresses(const context& ctx, std::vector<peer_answer>& not_asked) const;

  // Asks all of these at the same time, and returns their answers in the same order. Blocks until
  // the end of the context, which must have a deadline.
  std::vector<peer_answer> ask(const context& ctx, const std::vector<std::string>& replicas,
                               const peer_question& what) const;

  // How many questions have ended so.
  std::uint64_t count(peer_end how) const noexcept {
    return ended_[static_cast<std::size_t>(how)].load(std::memory_order_relaxed);
  }

 private:
  struct peer {
    std::string host;
    std::uint16_t port;
    std::unique_ptr<const handlers::name_lookup> lookup;
  };

  void note(peer_end how) const noexcept {
    ended_[static_cast<std::size_t>(how)].fetch_add(1, std::memory_order_relaxed);
  }

  const std::chrono::milliseconds timeout_;
  std::vector<peer> all_;
  mutable std::array<std::atomic<std::uint64_t>, peer_ends> ended_{};
};

}  // namespace hangup::server
