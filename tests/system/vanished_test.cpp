// A client that vanishes: no FIN, no RST, its packets just stop. Two hosts in network namespaces of
// the test's own, joined by a cable that is cut while a request waits, or while an answer streams.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/eventually.h"
#include "tests/support/needs.h"
#include "tests/support/temporary_directory.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

// 198.18.0.0/15 is set aside for tests of networks (RFC 2544).
class two_hosts {
 public:
  two_hosts() {
    ip({"netns", "add", near_});
    ip({"netns", "add", far_});
    ip({"link", "add", "near", "netns", near_, "type", "veth", "peer", "name", "far", "netns",
        far_});
    for (const auto& [host, end, address] :
         {std::tuple(near_, "near", "198.18.0.1/30"), {far_, "far", "198.18.0.2/30"}}) {
      ip({"-n", host, "address", "add", address, "dev", end});
      ip({"-n", host, "link", "set", end, "up"});
    }
  }
  ~two_hosts() {
    run({ip_, "netns", "delete", near_});
    run({ip_, "netns", "delete", far_});
  }
  two_hosts(const two_hosts&) = delete;
  two_hosts& operator=(const two_hosts&) = delete;

  std::vector<std::string> on_server(std::vector<std::string> command) const {
    return in(near_, std::move(command));
  }
  std::vector<std::string> on_client(std::vector<std::string> command) const {
    return in(far_, std::move(command));
  }

  void drop_packets() const {
    for (const auto* rule :
         {"add table inet cut",
          "add chain inet cut in { type filter hook input priority 0; policy drop; }",
          "add chain inet cut out { type filter hook output priority 0; policy drop; }"}) {
      const auto done = run(on_client({find_program("nft"), rule}));
      ASSERT_EQ(done.exit, 0) << done.output;
    }
  }
  void unplug() const { ip({"-n", far_, "link", "set", "far", "down"}); }

 private:
  std::vector<std::string> in(const std::string& host, std::vector<std::string> command) const {
    command.insert(command.begin(), {ip_, "netns", "exec", host});
    return command;
  }
  void ip(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), ip_);
    const auto done = run(std::move(arguments));
    EXPECT_EQ(done.exit, 0) << done.output;
  }

  const std::string ip_ = find_program("ip");
  const std::string near_ = "hangup-near-" + std::to_string(::getpid());
  const std::string far_ = "hangup-far-" + std::to_string(::getpid());
};

struct vanishing {
  std::string name;
  std::string target;  // what is asked for
  bool streams;        // rows are on their way all the time
  void (two_hosts::*how)() const;
};

std::ostream& operator<<(std::ostream& out, const vanishing& v) {
  return out << v.name;
}

class a_client_that_vanishes : public testing::TestWithParam<vanishing> {
 protected:
  void SetUp() override {
    const bool filters = GetParam().how == &two_hosts::drop_packets;
    needs({network_namespace(), test::program("ip"), test::program("curl"),
           filters ? test::program("nft") : need{}});
  }
};

TEST_P(a_client_that_vanishes, is_found_by_what_the_configuration_says) {  // C36, C37
  const auto& v = GetParam();
  const two_hosts hosts;
  const temporary_directory folder;
  const auto file =
      folder.write("server.json",
                   R"({"listen": {"host": "198.18.0.1", "port": 8080}, "admin": {"listen": "same"},
    "routes": {"query_sim": {"deadline_ms": 0}},
    "http": {"keepalive_idle_s": 1, "keepalive_interval_s": 1, "keepalive_probes": 2,
             "user_timeout_ms": 2000, "write_timeout_ms": 600000}})");
  process server(hosts.on_server({HANGUP_BINARY, "--config", file}));
  ASSERT_NE(server.line_with("listens on"), "");

  process client(
      hosts.on_client({"curl", "-sN", "--max-time", "600", "http://198.18.0.1:8080" + v.target}));
  if (v.streams) {
    ASSERT_NE(client.line_with("\"row\":3"), "");
  } else {
    const auto in_flight = [&] {
      return run(hosts.on_client({"curl", "-s", "http://198.18.0.1:8080/requests"})).output;
    };
    // The page names the request that asks for it as well: so the target is looked for.
    ASSERT_TRUE(eventually([&] { return in_flight().find(v.target) != std::string::npos; }));
  }
  (hosts.*v.how)();
  const auto line = server.line_with("client_vanished", 60s);
  EXPECT_NE(line.find("GET " + v.target + " 499 client_vanished"), std::string::npos)
      << server.output();

  client.signal(SIGKILL);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(
    by, a_client_that_vanishes,
    testing::Values(vanishing{"lost_packets_while_it_waits",
                              "/query/sim?rows=1000&row_ms=1000&stream=0", false,
                              &two_hosts::drop_packets},
                    vanishing{"lost_packets_in_a_stream", "/query/sim?rows=60000&row_ms=10", true,
                              &two_hosts::drop_packets},
                    vanishing{"a_cable_unplugged_while_it_waits",
                              "/query/sim?rows=1000&row_ms=1000&stream=0", false,
                              &two_hosts::unplug},
                    vanishing{"a_cable_unplugged_in_a_stream", "/query/sim?rows=60000&row_ms=10",
                              true, &two_hosts::unplug}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace hangup::system_test
