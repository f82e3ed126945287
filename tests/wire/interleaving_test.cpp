// Hundreds of ways to leave, by seed: what the client sends, in how many pieces, what stands unread
// behind it, at which moment it leaves and how. What must come of it is known each time.
#include <gtest/gtest.h>

#include <random>

#include "tests/wire/fixture.h"

namespace hangup::wire {
namespace {

enum class moment {
  in_the_head,
  in_the_body,
  queued,
  running,
  streaming,
  writing,
  after_the_answer
};
enum class leave { fin, reset, half };

constexpr std::array<const char*, 7> moments = {
    "in the head", "in the body", "queued", "running", "streaming", "writing", "after the answer"};
constexpr std::array<const char*, 3> leaves = {"FIN", "RST", "half-close"};

class interleaving {
 public:
  interleaving(live_server& server, unsigned seed) : server_(server), random_(seed) {
    when_ = static_cast<moment>(below(moments.size()));
    how_ = static_cast<leave>(below(leaves.size()));
    began_ = server_.seen.began_count();
    if (when_ != moment::in_the_head && when_ != moment::after_the_answer) {
      behind_ = unread();
    }
    at_once_ = below(2) == 0;
  }

  void run() {
    SCOPED_TRACE(std::string(moments[static_cast<std::size_t>(when_)]) + ", " +
                 leaves[static_cast<std::size_t>(how_)] + ", behind it " +
                 std::to_string(behind_.size()) + " bytes" + (at_once_ ? " at once" : " later"));
    client busy = server_.connect();
    if (when_ == moment::queued) {
      ASSERT_TRUE(busy.send(get("/one/wait")));
      ASSERT_TRUE(eventually([this] { return server_.one.now().running == 1; }));
      ++others_;
    }
    client c = server_.connect(when_ == moment::writing ? 4096 : 0);
    begin(c);
    if (!at_once_ && when_ != moment::in_the_body) {
      send(c, behind_);
    }
    go(c);
    if (how_ == leave::half && when_ == moment::writing) {
      // What is written for a client that only half-closed goes on being sent, until it leaves.
      ASSERT_TRUE(eventually([this] {
        const auto all = server_.server.in_flight();
        return all.empty() || all.front().context_ended.has_value();
      }));
      c.close();
    }
    expect();
    c.close();
    busy.close();
    ASSERT_TRUE(server_.await_no_connections()) << server_.left();
    ASSERT_TRUE(server_.await_quiet()) << server_.left();
    // What stood behind it was never started.
    EXPECT_EQ(server_.seen.began_count(),
              began_ + others_ + (when_ == moment::in_the_head ? 0U : 1U));
    EXPECT_EQ(server_.at.count("/fast") + server_.at.count("/echo"), 0);
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }

  // In one segment or in several.
  void send(client& c, std::string_view bytes) {
    const auto pieces = 1 + below(4);
    for (std::size_t i = 0; i < pieces && !bytes.empty(); ++i) {
      const auto n = i + 1 == pieces ? bytes.size() : below(bytes.size() + 1);
      ASSERT_TRUE(c.send(bytes.substr(0, n)));
      bytes.remove_prefix(n);
    }
  }

  std::string unread() {
    switch (below(6)) {
      case 0:
        return "";
      case 1:
        return "x";
      case 2:
        return "GET /fast HT";
      case 3:
        return get("/fast") + get("/fast") + get("/fast");
      case 4:
        return post("/echo", std::string(below(10'000), 'x'));
      default:
        return std::string(1 + below(20'000), '\r');
    }
  }

  // The same request in many forms: its body, if any, is one that nobody needs.
  std::string request(const std::string& path) {
    switch (below(6)) {
      case 0:
        return get(path, "Content-Length: 5\r\n") + "hello";
      case 1:
        return get(path, "Transfer-Encoding: chunked\r\n") + "3;x=y\r\nabc\r\n0\r\n\r\n";
      case 2:
        return "GET " + path + " HTTP/1.0\r\n\r\n";
      case 3:
        return "\r\n" + get(path, "Connection: close\r\n");
      default:
        return get(path);
    }
  }

  // Brings the client to its moment.
  void begin(client& c) {
    const auto with_behind = [this](const std::string& r) { return at_once_ ? r + behind_ : r; };
    switch (when_) {
      case moment::in_the_head: {
        const auto all = get("/wait");
        send(c, std::string_view(all).substr(0, below(all.size())));
        break;
      }
      case moment::in_the_body:
        send(c, "POST /wait HTTP/1.1\r\nHost: test\r\nContent-Length: 90000\r\n\r\n" +
                    std::string(below(60'000), 'x'));
        ASSERT_TRUE(server_.seen.await_began(began_ + 1));
        break;
      case moment::queued:
        send(c, with_behind(request("/one/wait")));
        ASSERT_TRUE(eventually([this] { return server_.one.now().queued == 1; }));
        break;
      case moment::running: {
        const auto before = server_.at.count("/wait");
        send(c, with_behind(below(4) == 0 ? post("/wait", std::string(below(70'000), 'x'))
                                          : request("/wait")));
        ASSERT_TRUE(server_.at.await("/wait", before + 1));
        break;
      }
      case moment::streaming:
        send(c, with_behind(request("/pool/rows")));
        ASSERT_TRUE(c.receive_bytes(1 + below(2'000)));
        break;
      case moment::writing:
        send(c, with_behind(
                    request(below(2) == 0 ? "/pool/rows?size=100000" : "/pool/big?size=15000000")));
        ASSERT_TRUE(c.receive_bytes(1));
        break;
      case moment::after_the_answer: {
        static constexpr std::array<const char*, 4> paths = {"/rows?n=3", "/pool/fast",
                                                             "/pool/rows?n=3", "/big?size=100000"};
        ASSERT_TRUE(c.send(get(paths[below(paths.size())]) + (at_once_ ? "GET /fa" : "")));
        ASSERT_TRUE(c.receive().whole);
        break;
      }
    }
  }

  void go(client& c) const {
    switch (how_) {
      case leave::fin:
        c.close();
        break;
      case leave::reset:
        c.reset();
        break;
      case leave::half:
        c.shutdown_write();
        break;
    }
  }

  void expect() {
    if (when_ == moment::in_the_head) {
      return;  // no request: run() counts
    }
    const auto r = server_.seen.nth(began_);  // the busy one ends later, all before have ended
    if (when_ == moment::after_the_answer) {
      EXPECT_EQ(r.end, request_end::completed) << r;
      EXPECT_EQ(r.status, 200);
      EXPECT_FALSE(r.context_ended);
      return;
    }
    // A client that closes with something unread resets, as TCP has it.
    const bool unread = when_ == moment::streaming || when_ == moment::writing;
    const bool reset = r.end == request_end::client_reset;
    const bool closed = r.end == request_end::client_closed;
    EXPECT_TRUE(how_ == leave::reset  ? reset
                : how_ == leave::half ? closed
                                      : closed || (unread && reset))
        << r;
    EXPECT_EQ(r.status, 499);
    EXPECT_TRUE(r.context_ended);
    const bool runs = when_ != moment::in_the_body && when_ != moment::queued;
    EXPECT_EQ(r.started, runs) << r;
    EXPECT_EQ(r.work_stopped, runs);
  }

  live_server& server_;
  std::mt19937 random_;
  moment when_{};
  leave how_{};
  std::string behind_;
  bool at_once_ = false;
  std::size_t began_ = 0;
  std::size_t others_ = 0;
};

TEST(interleavings, of_sending_and_leaving_end_each_request_as_they_must) {  // C1, C2, C3, C4, C5
  setup how;  // C6, C7, C11, C13, C14, C18, C19, C25, C27, C28
  how.queue_of_one = 4;
  live_server server(how);
  const auto n = static_cast<unsigned>(rounds(600));
  for (unsigned seed = 1; seed <= n && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    interleaving(server, seed).run();
  }
}

}  // namespace
}  // namespace hangup::wire
