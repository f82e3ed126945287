// compose.yaml as a user starts it: the image, HAProxy, replicas, PostgreSQL, Prometheus. The tests
// build on each other and run in the order of this file. They need a Docker engine, the images and
// the ports in the environment: scripts/test-docker provides all three.
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/eventually.h"
#include "tests/system/program.h"

namespace hangup::system_test {
namespace {

using nlohmann::json;

result docker(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "docker");
  return run(std::move(arguments));
}

result compose(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"docker", "compose"});
  return run(std::move(arguments));
}

std::string without_end(std::string text) {
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    all.push_back(line);
  }
  return all;
}

// curl shows the token with each request.
std::vector<std::string> with_token() {
  std::ifstream in("docker/secrets/hangup_admin_token");
  std::string token;
  std::getline(in, token);
  return {"-H", "Authorization: Bearer " + token};
}

// One container of the service hangup, and its address for operators on this host.
struct replica {
  std::string container;
  site at;

  std::string state(const std::string& of) const {
    return without_end(docker({"inspect", "-f", "{{" + of + "}}", container}).output);
  }
  bool is_healthy() const {
    return eventually([&] { return state(".State.Health.Status") == "healthy"; });
  }
  std::string address() const {
    return state("range .NetworkSettings.Networks}}{{.IPAddress}}{{end");
  }
  // The ids of the requests that it works on.
  std::vector<std::string> works_on() const {
    std::vector<std::string> ids;
    const auto page = at.get("/requests");  // null while it is started again
    for (const auto& r : page.is_object() ? page["in_flight"] : json::array()) {
      ids.push_back(r["id"]);
    }
    return ids;
  }
};

std::vector<replica> replicas() {
  std::vector<replica> all;
  for (const auto& id : lines_of(compose({"ps", "-q", "hangup"}).output)) {
    const auto port = lines_of(docker({"port", id, "8081/tcp"}).output);
    all.push_back({id, site("http://" + (port.empty() ? "nowhere" : port.front()), with_token())});
  }
  return all;
}

std::string ask_postgres(const std::string& sql) {
  return without_end(
      compose({"exec", "-T", "postgres", "psql", "-U", "shop", "-d", "shop", "-Atc", sql}).output);
}

const char* const busy =
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hangup' AND state = 'active'";

std::string busy_for(const replica& r) {
  return busy + (" AND client_addr = '" + r.address() + "'");
}

std::string from_environment(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? variable + std::string("-is-not-set") : value;
}

site at_port_of(const char* variable, std::vector<std::string> always = {}) {
  return site("http://127.0.0.1:" + from_environment(variable), std::move(always));
}
// The addresses that compose.yaml promises to keep.
const site& door() {
  static const auto s = at_port_of("PUBLIC_PORT");
  return s;
}
const site& operators_door() {
  static const auto s = at_port_of("OPERATORS_PORT", with_token());
  return s;
}

// A curl that asks for a page and prints nothing but the status.
std::vector<std::string> curl_for_status(const std::string& url, const std::string& id) {
  return {"curl", "-s", "-o", "/dev/null", "-w", "%{http_code}\n", "-H", "X-Request-Id: " + id,
          url};
}

// The same, as the second request of a connection: HAProxy treats that differently from a first.
std::vector<std::string> curl_for_second_status(const site& at, const std::string& target,
                                                const std::string& id) {
  auto command = curl_for_status(at.url("/healthz"), "first-" + id);
  command.push_back("--next");
  const auto second = curl_for_status(at.url(target), id);
  command.insert(command.end(), second.begin() + 1, second.end());
  return command;
}

// The replica that has the request; waits until one has it.
const replica* who_has(const std::vector<replica>& all, const std::string& id) {
  const replica* found = nullptr;
  eventually([&] {
    for (const auto& r : all) {
      const auto ids = r.works_on();
      if (std::find(ids.begin(), ids.end(), id) != ids.end()) {
        found = &r;
      }
    }
    return found != nullptr;
  });
  return found;
}

// The main job: curl leaves, and every surface says so. `end` is how the replica sees it.
void hang_up_on_postgres(const site& door, const std::string& id, const std::string& end) {
  const auto all = replicas();
  process curl(curl_for_status(door.url("/query/pg?report=nap&seconds=600"), id));
  const auto* const r = who_has(all, id);
  ASSERT_NE(r, nullptr);
  ASSERT_TRUE(eventually([&] { return ask_postgres(busy_for(*r)) == "1"; }));
  const auto counted = "hangup_requests_total{route=\"/query/pg\",end=\"" + end + "\"}";
  const auto before = r->at.metric(counted).value_or(-1);
  curl.signal(SIGKILL);

  EXPECT_TRUE(eventually([&] { return ask_postgres(busy) == "0"; }));
  const auto e = r->at.ended(id);
  EXPECT_EQ(e["end"], end);
  EXPECT_EQ(e["status"], 499);
  EXPECT_LT(e["work_stopped_ns"].get<double>() - e["context_ended_ns"].get<double>(), 2e9);
  EXPECT_EQ(r->at.metric(counted), before + 1);
  EXPECT_TRUE(eventually([&] {
    const auto log = lines_of(docker({"logs", r->container}).output);
    return std::any_of(log.begin(), log.end(), [&](const std::string& line) {
      return line.find("\"" + id + "\"") != std::string::npos &&
             line.find("\"" + end + "\"") != std::string::npos;
    });
  }));
}

TEST(image, is_small_runs_as_nobody_and_says_which_version_it_is) {
  const auto found = json::parse(docker({"image", "inspect", "hangup"}).output).at(0);
  EXPECT_LT(found["Size"], 150'000'000);
  const auto& config = found["Config"];
  EXPECT_EQ(config["User"], "hangup");
  EXPECT_EQ(config["StopSignal"], "SIGTERM");
  EXPECT_EQ(config["Healthcheck"]["Test"][2], "--probe");
  EXPECT_EQ("hangup " + config["Labels"]["org.opencontainers.image.version"].get<std::string>(),
            without_end(docker({"run", "--rm", "hangup", "--version"}).output));
}

TEST(image, with_a_wrong_configuration_says_so_in_one_line_and_exits_2) {
  for (const auto& [variable, reason] : std::map<std::string, std::string>{
           {"HANGUP_LISTEN__PORT=http",
            "HANGUP_LISTEN__PORT: found \"http\", allowed an integer 0..65535\n"},
           {"HANGUP_LISTEN__PROT=1",
            "HANGUP_LISTEN__PROT: unknown key \"listen.prot\"; did you mean "
            "\"HANGUP_LISTEN__PORT\"?\n"}}) {
    const auto r = docker({"run", "--rm", "-e", variable, "hangup"});
    EXPECT_EQ(r.exit, 2);
    EXPECT_EQ(r.output, reason);
  }
}

TEST(image, has_as_many_workers_for_computing_as_the_container_has_cpus) {
  const auto r = docker({"run", "--rm", "--cpus", "0.5", "hangup", "--config",
                         "/etc/hangup/server.json", "--print-config"});
  EXPECT_EQ(r.exit, 0);
  EXPECT_NE(r.output.find("\npools.cpu.workers = 1 "), std::string::npos) << r.output;
}

void expect_both_databases_answer() {
  for (const auto* const name : {"sqlite", "pg"}) {
    const auto page = door().curl("/query/" + std::string(name) + "?report=top_customers&n=3");
    EXPECT_EQ(lines_of(page.output).size(), 3u) << name << ": " << page.output;
  }
  EXPECT_EQ(operators_door().curl("/readyz").output, "ready\n");
}

// As a user does, with nothing between the two: no second try.
void expect_answers_after(std::vector<std::string> command = {"up", "-d", "--wait"}) {
  const auto r = compose(std::move(command));
  ASSERT_EQ(r.exit, 0) << r.output;
  expect_both_databases_answer();
}

TEST(up, answers_from_both_databases_at_once) {
  expect_answers_after();
  EXPECT_EQ(replicas().size(), 1u);
}

TEST(up, the_addresses_are_the_same_after_a_restart_a_crash_and_down_and_up) {
  ASSERT_EQ(compose({"restart", "hangup"}).exit, 0);
  expect_answers_after();

  const auto r = replicas().at(0);
  const auto pid = r.state(".State.Pid");
  ASSERT_NE(pid, "0");
  ::kill(std::stoi(pid), SIGKILL);
  ASSERT_TRUE(eventually([&] {
    const auto now = r.state(".State.Pid");
    return now != pid && now != "0";
  })) << "it is started again";
  expect_answers_after();

  ASSERT_EQ(compose({"down"}).exit, 0);
  expect_answers_after();
}

TEST(up, pages_for_operators_are_at_their_own_address_only) {
  const auto nobody = at_port_of("OPERATORS_PORT");
  const std::vector<std::string> status = {"-o", "/dev/null", "-w", "%{http_code}"};
  for (const auto* const page : {"/", "/requests", "/metrics", "/readyz"}) {
    EXPECT_EQ(door().curl(page, status).output, "403") << page;
    EXPECT_EQ(operators_door().curl(page, status).output, "200") << page;
    EXPECT_EQ(nobody.curl(page, status).output, page == std::string("/readyz") ? "200" : "401")
        << page << " without the token";
  }
  const auto port = lines_of(docker({"port", replicas().at(0).container, "8080/tcp"}).output);
  EXPECT_EQ(site("http://" + port.at(0)).curl("/requests", status).output, "404")
      << "not even without HAProxy";
}

TEST(up, a_hang_up_at_the_port_of_a_replica_is_seen_everywhere_and_stops_postgresql) {
  hang_up_on_postgres(replicas().at(0).at, "by-port", "client_closed");
}

TEST(up, can_write_only_where_it_must_and_may_do_nothing_else) {
  const auto in_it = [](const std::string& what) {
    return compose({"exec", "-T", "hangup", "sh", "-c", what});
  };
  EXPECT_NE(in_it("echo > /etc/hangup/server.json").output.find("Read-only file system"),
            std::string::npos);
  EXPECT_NE(in_it("echo > /usr/local/bin/hangup").exit, 0);
  EXPECT_EQ(in_it("echo > /tmp/x && rm /tmp/x && test -s /var/lib/hangup/sample.db").exit, 0);
  const auto status = in_it("cat /proc/1/status").output;
  for (const auto* const line : {"Name:\thangup\n", "CapEff:\t0000000000000000\n",
                                 "CapBnd:\t0000000000000000\n", "NoNewPrivs:\t1\n"}) {
    EXPECT_NE(status.find(line), std::string::npos) << line << status;
  }
  EXPECT_EQ(in_it("id -u").output, "10001\n");
}

TEST(up, docker_stop_lets_the_short_request_finish_ends_the_long_one_and_exits_0) {
  const auto r = replicas().at(0);
  process finishes(curl_for_status(r.at.url("/query/sim?rows=1&row_ms=5000&stream=0"), "finishes"));
  process ends(curl_for_status(r.at.url("/query/pg?report=nap&seconds=600"), "ends"));
  ASSERT_NE(who_has({r}, "finishes"), nullptr);
  ASSERT_NE(who_has({r}, "ends"), nullptr);
  EXPECT_EQ(docker({"stop", "-t", "20", r.container}).exit, 0);
  EXPECT_EQ(r.state(".State.ExitCode"), "0") << "137 if it was killed";
  EXPECT_EQ(finishes.wait(), 0);
  EXPECT_EQ(finishes.output(), "200\n");
  EXPECT_EQ(ends.wait(), 0);
  EXPECT_EQ(ends.output(), "503\n");
  EXPECT_TRUE(eventually([] { return ask_postgres(busy) == "0"; }));
}

TEST(scale, three_replicas_share_the_requests_of_the_same_address) {
  expect_answers_after({"--profile", "observe", "up", "-d", "--wait", "--scale", "hangup=3"});
  const auto all = replicas();
  ASSERT_EQ(all.size(), 3u);
  // Each gets its turn: then HAProxy knows all three.
  for (const auto& one : all) {
    EXPECT_TRUE(eventually([&] {
      door().curl("/healthz");
      return one.at.metric("hangup_requests_total{route=\"/healthz\",end=\"completed\"}") > 0;
    }));
  }
}

TEST(scale, a_hang_up_at_haproxy_is_seen_everywhere_and_stops_postgresql) {
  hang_up_on_postgres(door(), "by-proxy", "client_reset");
}

TEST(scale, a_job_is_found_by_its_path_whichever_replica_has_it) {
  for (int i = 0; i < 6; ++i) {
    const auto r = door().curl("/query/sqlite?report=customer&id=7&detach=1",
                               {"-X", "POST", "-o", "/dev/null", "-w", "%header{location}"});
    const auto& path = r.output;
    ASSERT_EQ(path.rfind("/jobs/", 0), 0u) << path;
    for (int asked = 0; asked < 3; ++asked) {
      EXPECT_TRUE(door().get(path).is_object()) << path;
    }
  }
}

TEST(scale, prometheus_asks_each_replica_and_has_the_rules) {
  const auto prometheus = at_port_of("PROMETHEUS_PORT");
  EXPECT_TRUE(eventually([&] {
    const auto up = prometheus.get("/api/v1/query?query=sum(up%7Bjob=%22hangup%22%7D)");
    const auto found = up.is_object() ? up["data"]["result"] : json::array();
    return !found.empty() && found[0]["value"][1] == "3";
  }));
  const auto rules = prometheus.get("/api/v1/rules");
  ASSERT_TRUE(rules.is_object());
  EXPECT_FALSE(rules["data"]["groups"][0]["rules"].empty());
}

TEST(scale, a_killed_replica_takes_only_its_own_requests_with_it) {
  const auto all = replicas();
  ASSERT_EQ(all.size(), 3u);
  // On each replica two queries in PostgreSQL, and then two requests that are over soon.
  std::map<std::string, std::unique_ptr<process>> curls;
  std::map<const replica*, std::vector<std::string>> naps;
  std::map<const replica*, std::vector<std::string>> sims;
  const auto start = [&](auto& which, const std::string& name, const std::string& target) {
    for (int i = 0; i < 6; ++i) {
      const auto id = name + "-" + std::to_string(i);
      curls[id] = std::make_unique<process>(curl_for_second_status(door(), target, id));
      which[who_has(all, id)].push_back(id);
    }
  };
  start(naps, "nap", "/query/pg?report=nap&seconds=600");
  ASSERT_TRUE(eventually([&] { return ask_postgres(busy) == "6"; }));
  const auto& killed = all.front();
  const auto address = busy_for(killed);  // it comes back with another
  const auto pid = std::stoi(killed.state(".State.Pid"));
  start(sims, "sim", "/query/sim?rows=1&row_ms=20000&stream=0");  // not over before the kill
  ASSERT_EQ(naps.count(nullptr) + sims.count(nullptr), 0u);
  ASSERT_FALSE(naps[&killed].empty() || sims[&killed].empty()) << "leastconn gives to each";

  ::kill(pid, SIGKILL);
  for (const auto* const of : {&naps, &sims}) {
    for (const auto& id : of->at(&killed)) {
      EXPECT_EQ(curls[id]->wait(), 0) << "an answer, not a cut connection";
      // Without an answer curl repeats it on a new connection: then this is not 502.
      EXPECT_EQ(curls[id]->output(), "200\n502\n") << id;
    }
  }
  // Nobody has cancelled these: PostgreSQL looks for its client once a second.
  EXPECT_TRUE(eventually([&] { return ask_postgres(address) == "0"; }));
  for (const auto& r : all) {
    if (&r != &killed) {
      for (const auto& id : naps[&r]) {
        EXPECT_NE(who_has(all, id), nullptr) << "still at work";
        curls[id]->signal(SIGKILL);
      }
      for (const auto& id : sims[&r]) {
        EXPECT_EQ(curls[id]->wait(2 * test::patience), 0);
        EXPECT_EQ(curls[id]->output(), "200\n200\n") << id;
      }
    }
  }
  EXPECT_TRUE(eventually([] { return ask_postgres(busy) == "0"; }));
  EXPECT_TRUE(killed.is_healthy()) << "it is started again";
}

// Clients that ask one short or long request after the other, each on a connection that it keeps.
class load {
 public:
  load() {
    for (int i = 0; i < 6; ++i) {
      curls_.push_back(std::make_unique<process>(std::vector<std::string>{
          "curl", "-s", "-w", "%{stderr}%{http_code}\n", "-o", "/dev/null",
          door().url("/query/sim?rows=1&row_ms=" + std::string(i < 4 ? "20" : "2000") +
                     "&stream=0&[1-1000000]")}));
    }
  }
  void expect_that_all_were_answered() {
    for (const auto& curl : curls_) {
      curl->signal(SIGKILL);
      curl->wait();
      const auto all = lines_of(curl->output());
      EXPECT_GT(all.size(), 1u);
      for (const auto& status : all) {
        EXPECT_EQ(status, "200");
      }
    }
  }

 private:
  std::vector<std::unique_ptr<process>> curls_;
};

TEST(scale, a_rolling_restart_loses_no_request) {
  load clients;
  for (const auto& r : replicas()) {
    const auto started = r.state(".State.StartedAt");
    ASSERT_EQ(docker({"restart", "-t", "20", r.container}).exit, 0);
    EXPECT_NE(r.state(".State.StartedAt"), started);
    ASSERT_TRUE(r.is_healthy());
  }
  clients.expect_that_all_were_answered();
}

TEST(scale, new_replicas_take_the_place_of_the_old_ones_and_no_request_is_lost) {
  load clients;
  const auto old = lines_of(compose({"ps", "-q", "hangup"}).output);
  ASSERT_EQ(old.size(), 3u);
  const auto r = compose(
      {"up", "-d", "--wait", "--no-recreate", "--no-deps", "--scale", "hangup=6", "hangup"});
  ASSERT_EQ(r.exit, 0) << r.output;
  for (const auto* const command : {"stop", "rm"}) {
    std::vector<std::string> arguments = {command};
    arguments.insert(arguments.end(), old.begin(), old.end());
    ASSERT_EQ(docker(std::move(arguments)).exit, 0) << command;
  }
  clients.expect_that_all_were_answered();
  const auto now = replicas();
  EXPECT_EQ(now.size(), 3u);
  for (const auto& one : now) {
    EXPECT_EQ(std::count(old.begin(), old.end(), one.container), 0);
    EXPECT_TRUE(one.is_healthy());
  }
  expect_both_databases_answer();
}

TEST(down, with_all_profiles_leaves_nothing) {
  const auto project =
      "label=com.docker.compose.project=" + from_environment("COMPOSE_PROJECT_NAME");
  ASSERT_EQ(lines_of(docker({"ps", "-aq", "--filter", project}).output).size(), 6u);
  const auto r = compose({"--profile", "*", "down", "-v"});
  EXPECT_EQ(r.exit, 0) << r.output;
  EXPECT_EQ(docker({"ps", "-aq", "--filter", project}).output, "");
  EXPECT_EQ(docker({"network", "ls", "-q", "--filter", project}).output, "");
  EXPECT_EQ(docker({"volume", "ls", "-q", "--filter", project}).output, "");
}

}  // namespace
}  // namespace hangup::system_test
