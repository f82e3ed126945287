// compose.yaml as a user starts it: images, neighbours, replicas. One story, in this order; needs
// the images (scripts/test-docker makes them) and a Docker engine.
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <cstdlib>
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
  arguments.insert(arguments.begin(),
                   {"docker", "compose", "--profile", "scale", "--profile", "observe"});
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

// One container of the service hangup.
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
    const auto port = lines_of(docker({"port", id, "8080/tcp"}).output);
    all.push_back({id, site("http://" + (port.empty() ? "nowhere" : port.front()))});
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

const site& proxy() {
  static const site s("http://127.0.0.1:" + std::string(std::getenv("HANGUP_PROXY_PORT")));
  return s;
}

// A curl that asks for a page and says nothing but the status.
std::vector<std::string> curl_for_status(const std::string& url, const std::string& id) {
  return {"curl", "-s", "-o", "/dev/null", "-w", "%{http_code}\n", "-H", "X-Request-Id: " + id,
          url};
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
            "HANGUP_LISTEN__PROT: unknown key \"listen.prot\"; did you mean \"port\"?\n"}}) {
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

TEST(up, answers_from_both_databases_at_once) {
  const auto r = compose({"up", "-d", "--wait", "hangup"});
  ASSERT_EQ(r.exit, 0) << r.output;
  const auto all = replicas();
  ASSERT_EQ(all.size(), 1u);
  const auto& at = all.front().at;
  EXPECT_EQ(at.curl("/readyz").output, "ready\n");
  for (const auto* const name : {"sqlite", "pg"}) {
    const auto page = at.curl("/query/" + std::string(name) + "?report=top_customers&n=3");
    EXPECT_EQ(lines_of(page.output).size(), 3u) << page.output;
  }
}

TEST(up, a_hang_up_at_the_published_port_is_seen_everywhere_and_stops_postgresql) {
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

TEST(scale, three_replicas_share_the_requests_of_haproxy) {
  const auto r = compose({"up", "-d", "--wait", "--scale", "hangup=3", "hangup", "haproxy"});
  ASSERT_EQ(r.exit, 0) << r.output;
  const auto all = replicas();
  ASSERT_EQ(all.size(), 3u);
  ASSERT_TRUE(eventually([] { return proxy().curl("/healthz").output == "ok\n"; }));
  // Each gets its turn: then HAProxy knows all three.
  for (const auto& one : all) {
    EXPECT_TRUE(eventually([&] {
      proxy().curl("/healthz");
      return one.at.metric("hangup_requests_total{route=\"/healthz\",end=\"completed\"}") > 0;
    }));
  }
}

TEST(scale, a_hang_up_at_haproxy_is_seen_everywhere_and_stops_postgresql) {
  hang_up_on_postgres(proxy(), "by-proxy", "client_reset");
}

TEST(scale, a_job_is_found_by_its_path_whichever_replica_has_it) {
  for (int i = 0; i < 6; ++i) {
    const auto r = proxy().curl("/query/sqlite?report=customer&id=7&detach=1",
                                {"-X", "POST", "-o", "/dev/null", "-w", "%header{location}"});
    const auto& path = r.output;
    ASSERT_EQ(path.rfind("/jobs/", 0), 0u) << path;
    for (int asked = 0; asked < 3; ++asked) {
      EXPECT_TRUE(proxy().get(path).is_object()) << path;
    }
  }
}

TEST(scale, a_killed_replica_takes_only_its_own_requests_with_it) {
  const auto all = replicas();
  ASSERT_EQ(all.size(), 3u);
  // On each replica queries in PostgreSQL, and requests that are over soon.
  std::map<std::string, std::unique_ptr<process>> curls;
  std::map<const replica*, std::vector<std::string>> naps;
  std::map<const replica*, std::vector<std::string>> sims;
  for (int i = 0; i < 6; ++i) {
    const auto nap = "nap-" + std::to_string(i);
    const auto sim = "sim-" + std::to_string(i);
    curls[nap] = std::make_unique<process>(
        curl_for_status(proxy().url("/query/pg?report=nap&seconds=600"), nap));
    naps[who_has(all, nap)].push_back(nap);
    curls[sim] = std::make_unique<process>(
        curl_for_status(proxy().url("/query/sim?rows=1&row_ms=10000&stream=0"), sim));
    sims[who_has(all, sim)].push_back(sim);
  }
  ASSERT_EQ(naps.count(nullptr) + sims.count(nullptr), 0u);
  const auto& killed = all.front();
  ASSERT_FALSE(naps[&killed].empty() || sims[&killed].empty()) << "leastconn gives to each";
  ASSERT_TRUE(eventually([&] { return ask_postgres(busy) == "6"; }));
  const auto address = busy_for(killed);  // it comes back with another

  ::kill(std::stoi(killed.state(".State.Pid")), SIGKILL);
  for (const auto* const of : {&naps, &sims}) {
    for (const auto& id : of->at(&killed)) {
      EXPECT_EQ(curls[id]->wait(), 0) << "an answer, not a cut connection";
      EXPECT_EQ(curls[id]->output(), "502\n") << id;
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
        EXPECT_EQ(curls[id]->wait(), 0);
        EXPECT_EQ(curls[id]->output(), "200\n") << id;
      }
    }
  }
  EXPECT_TRUE(eventually([] { return ask_postgres(busy) == "0"; }));
  EXPECT_TRUE(killed.is_healthy()) << "it is started again";
}

TEST(scale, a_rolling_restart_loses_no_request) {
  // Short ones one after the other, each curl on a connection that it keeps, and long ones.
  std::vector<std::unique_ptr<process>> load;
  for (int i = 0; i < 6; ++i) {
    load.push_back(std::make_unique<process>(std::vector<std::string>{
        "curl", "-s", "-w", "%{stderr}%{http_code}\n", "-o", "/dev/null",
        proxy().url("/query/sim?rows=1&row_ms=" + std::string(i < 4 ? "20" : "2000") +
                    "&stream=0&[1-1000000]")}));
  }
  for (const auto& r : replicas()) {
    const auto started = r.state(".State.StartedAt");
    ASSERT_EQ(docker({"restart", "-t", "20", r.container}).exit, 0);
    EXPECT_NE(r.state(".State.StartedAt"), started);
    ASSERT_TRUE(r.is_healthy());
  }
  for (const auto& curl : load) {
    curl->signal(SIGKILL);
    curl->wait();
    const auto all = lines_of(curl->output());
    EXPECT_GT(all.size(), 5u);
    for (const auto& status : all) {
      EXPECT_EQ(status, "200");
    }
  }
}

TEST(observe, prometheus_asks_each_replica_and_has_the_rules) {
  const auto r = compose({"up", "-d", "--no-deps", "prometheus"});
  ASSERT_EQ(r.exit, 0) << r.output;
  const site prometheus("http://127.0.0.1:" + std::string(std::getenv("HANGUP_PROMETHEUS_PORT")));
  EXPECT_TRUE(eventually([&] {
    const auto up = prometheus.get("/api/v1/query?query=sum(up%7Bjob=%22hangup%22%7D)");
    const auto found = up.is_object() ? up["data"]["result"] : json::array();
    return !found.empty() && found[0]["value"][1] == "3";
  }));
  const auto rules = prometheus.get("/api/v1/rules");
  ASSERT_TRUE(rules.is_object());
  EXPECT_FALSE(rules["data"]["groups"][0]["rules"].empty());
}

TEST(down, leaves_nothing_running) {
  EXPECT_EQ(compose({"down", "-v", "-t", "20"}).exit, 0);
  EXPECT_EQ(compose({"ps", "-aq"}).output, "");
}

}  // namespace
}  // namespace hangup::system_test
