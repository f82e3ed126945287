// Behind nginx and HAProxy, run from config/nginx.conf and config/haproxy.cfg as they are shipped
// (but for addresses and files): who hangs up on the proxy has hung up on us. And the settings that
// swallow a hang-up do swallow it: the table of docs/proxies.md is what these tests see.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/certificate.h"
#include "tests/support/file.h"
#include "tests/support/listener.h"
#include "tests/support/needs.h"
#include "tests/system/program.h"
#include "tests/system/shop.h"

namespace hangup::system_test {
namespace {

using edits = std::vector<std::pair<std::string, std::string>>;

std::string place(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

enum class kind { nginx, haproxy };

// The proxy, in front of a server of ours.
class proxy {
 public:
  proxy(kind what, edits changes, const std::string& backend) {
    const std::string file = what == kind::nginx ? "config/nginx.conf" : "config/haproxy.cfg";
    const auto pem = own_.file + ".both";
    std::ofstream(pem) << contents(own_.file) << contents(own_.key_file);
    for (int tries = 0; !serves() && tries < 5; ++tries) {  // a free port may be taken by then
      plain_ = listener().port();
      tls_ = listener().port();
      auto all = what == kind::nginx
                     ? edits{{"pid /run/hangup-nginx.pid;", "pid " + own_.file + ".pid;"},
                             {"worker_processes auto;", "worker_processes 1;"},
                             {"listen 80;", "listen " + place(plain_) + ";"},
                             {"listen 443 ssl", "listen " + place(tls_) + " ssl"},
                             {"/etc/hangup/tls.crt", own_.file},
                             {"/etc/hangup/tls.key", own_.key_file},
                             {"server 127.0.0.1:8080;", "server " + backend + ";"}}
                     : edits{{"bind :80", "bind " + place(plain_)},
                             {"bind :443 ssl", "bind " + place(tls_) + " ssl"},
                             {"/etc/hangup/tls.pem", pem},
                             {"server hangup 127.0.0.1:8080", "server hangup " + backend}};
      all.insert(all.end(), changes.begin(), changes.end());
      const auto edited = own_.file + ".conf";
      std::ofstream(edited) << changed(file, all);
      it_.emplace(what == kind::nginx
                      ? std::vector<std::string>{find_program("nginx"), "-e", "stderr", "-c",
                                                 edited, "-g", "daemon off;"}
                      : std::vector<std::string>{find_program("haproxy"), "-db", "-f", edited});
    }
    EXPECT_TRUE(serves()) << it_->output();
  }
  ~proxy() {
    it_->signal(SIGTERM);
    it_->wait();
  }
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  std::string url(const std::string& target) const { return "http://" + place(plain_) + target; }
  std::string tls_url(const std::string& target) const { return "https://" + place(tls_) + target; }
  const std::string& certificate() const { return own_.file; }

 private:
  static std::string changed(const std::string& file, const edits& all) {
    auto text = contents(file);
    for (const auto& [from, to] : all) {
      const auto at = text.find(from);
      EXPECT_NE(at, std::string::npos) << file << " does not say " << from;
      if (at != std::string::npos) {
        text.replace(at, from.size(), to);
      }
    }
    return text;
  }
  // Waits until it passes requests on. False: it has ended, or never began.
  bool serves() {
    while (it_ && !it_->wait(10ms)) {
      if (run({"curl", "-s", "--max-time", "10", url("/healthz")}).output == "ok\n") {
        return true;
      }
    }
    return false;
  }

  const test::certificate own_;
  std::uint16_t plain_ = 0;
  std::uint16_t tls_ = 0;
  std::optional<process> it_;
};

struct server_behind {
  server_behind(kind what, const edits& changes)
      : front(what, changes, own.url("").substr(std::string("http://").size())) {}
  server own;
  proxy front;
};

// Which protocol the client speaks, and how its request leaves.
enum class client_kind { http_1, http_2, http_2_stream };
// What the work behind it does then.
enum class work { stops, goes_on };

struct setting {
  std::string name;
  kind proxy;
  edits changes;
  client_kind by;
  bool streams;
  work then;
  std::optional<work> then_in_2_6{};  // if HAProxy 2.6 does something else
};

std::ostream& operator<<(std::ostream& out, const setting& s) {
  return out << s.name;
}

bool has(const nlohmann::json& all, const std::string& id) {
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& r) { return r["id"] == id && r["state"] == "running"; });
}

std::int64_t now_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string program_of(kind what) {
  return what == kind::nginx ? "nginx" : "haproxy";
}

std::ostream& operator<<(std::ostream& out, kind what) {
  return out << program_of(what);
}

class behind_a_proxy : public testing::TestWithParam<setting> {
 protected:
  void SetUp() override {
    needs({test::program(program_of(GetParam().proxy)), test::program("curl")});
  }
};

// The whole connection goes.
void hangs_up(server_behind& b, const setting& s) {
  const std::string rows = s.streams               ? "rows=1000&row_ms=20"
                           : s.then == work::stops ? "rows=1&row_ms=25000&stream=0"
                                                   : "rows=4&row_ms=500&stream=0";
  const auto target = "/query/sim?" + rows;
  std::vector<std::string> command = {"curl", "-sN", "-H", "X-Request-Id: left"};
  if (s.by == client_kind::http_1) {
    command.push_back(b.front.url(target));
  } else {
    command.insert(command.end(),
                   {"--http2", "--cacert", b.front.certificate(), b.front.tls_url(target)});
  }
  process curl(command);
  if (s.streams) {
    ASSERT_NE(curl.line_with("\"row\":3"), "");
  }
  ASSERT_TRUE(b.own.in_flight_until([](const auto& all) { return has(all, "left"); }));
  const auto begin = now_ns();
  curl.signal(SIGKILL);
  const auto e = b.own.ended("left");
  if (s.then == work::stops) {
    EXPECT_EQ(e["status"], 499) << e;
    std::printf("%s: %s heard after %.2f ms\n", s.name.c_str(), e["cause"].dump().c_str(),
                static_cast<double>(e["context_ended_ns"].get<std::int64_t>() - begin) / 1e6);
  } else {
    EXPECT_EQ(e["end"], "completed") << "the setting does pass the hang-up on: " << e;
    EXPECT_GT(e["ended_ns"].get<std::int64_t>() - begin, 500'000'000);
  }
}

// One stream of two on the same connection is cancelled (RST_STREAM): the other one goes on.
void cancels_a_stream(server_behind& b, const setting& s) {
  process curl({"curl",
                "-sN",
                "-Z",
                "--http2",
                "--cacert",
                b.front.certificate(),
                "--max-time",
                "2",
                "-H",
                "X-Request-Id: left",
                "-w",
                "%{stderr}left over %{num_connects}\n",
                b.front.tls_url("/query/sim?rows=1&row_ms=25000&stream=0"),
                "--next",
                "-sN",
                "--http2",
                "--cacert",
                b.front.certificate(),
                "-H",
                "X-Request-Id: stays",
                "-w",
                "%{stderr}stays over %{num_connects} HTTP/%{http_version}\n",
                b.front.tls_url("/query/sim?rows=9&row_ms=500")});
  const auto e = b.own.ended("left");
  EXPECT_EQ(e["status"], 499) << e;
  EXPECT_FALSE(curl.wait(0ms)) << "the other stream is still there";
  EXPECT_EQ(b.own.ended("stays")["end"], "completed");
  curl.wait();
  const auto said = curl.output();
  EXPECT_NE(said.find("{\"row\":9,"), std::string::npos) << said;
  EXPECT_NE(said.find(" HTTP/2\n"), std::string::npos) << said;
  const bool one_connection = (said.find("left over 1\n") != std::string::npos &&
                               said.find("stays over 0 ") != std::string::npos) ||
                              (said.find("left over 0\n") != std::string::npos &&
                               said.find("stays over 1 ") != std::string::npos);
  EXPECT_TRUE(one_connection) << said;
  EXPECT_EQ(s.then, work::stops);
}

TEST_P(behind_a_proxy, a_hang_up_is_passed_on_or_swallowed_as_the_documentation_says) {
  auto s = GetParam();
  if (s.then_in_2_6 &&
      run({find_program("haproxy"), "-v"}).output.find("version 2.6") != std::string::npos) {
    s.then = *s.then_in_2_6;
  }
  server_behind b(s.proxy, s.changes);
  if (s.by == client_kind::http_2_stream) {
    cancels_a_stream(b, s);
  } else {
    hangs_up(b, s);
  }
}

std::vector<setting> settings() {
  using enum client_kind;
  using enum work;
  constexpr auto nginx = kind::nginx;
  constexpr auto haproxy = kind::haproxy;
  const edits shipped;
  const edits ignores = {{"proxy_ignore_client_abort off;", "proxy_ignore_client_abort on;"}};
  const edits buffers = {{"proxy_buffering off;", "proxy_buffering on;"}};
  const edits http_1_0 = {{"proxy_http_version 1.1;", ""},
                          {"proxy_set_header Connection \"\";", ""}};
  const edits without = {{"\n    option abortonclose\n", "\n"}};
  const edits in_backend = {{"\n    option abortonclose\n", "\n"},
                            {"    retries 0\n", "    retries 0\n    option abortonclose\n"}};
  const edits tcp = {{"mode http\n", "mode tcp\n"},
                     {"\n    option abortonclose\n", "\n"},
                     {"    option forwardfor\n", ""},
                     {"    timeout http-request 10s\n", ""},
                     {" alpn h2,http/1.1", ""}};
  return {
      {"nginx_waiting", nginx, shipped, http_1, false, stops},
      {"nginx_streaming", nginx, shipped, http_1, true, stops},
      {"nginx_http_2_waiting", nginx, shipped, http_2, false, stops},
      {"nginx_http_2_streaming", nginx, shipped, http_2, true, stops},
      {"nginx_http_2_one_stream", nginx, shipped, http_2_stream, false, stops},
      {"nginx_that_ignores_aborts_waiting", nginx, ignores, http_1, false, goes_on},
      {"nginx_that_ignores_aborts_http_2_waiting", nginx, ignores, http_2, false, goes_on},
      {"nginx_that_ignores_aborts_streaming", nginx, ignores, http_1, true, stops},
      {"nginx_that_buffers_waiting", nginx, buffers, http_1, false, stops},
      {"nginx_that_buffers_streaming", nginx, buffers, http_1, true, stops},
      {"nginx_by_http_1_0_waiting", nginx, http_1_0, http_1, false, stops},
      {"haproxy_waiting", haproxy, shipped, http_1, false, stops},
      {"haproxy_streaming", haproxy, shipped, http_1, true, stops},
      {"haproxy_http_2_waiting", haproxy, shipped, http_2, false, stops},
      {"haproxy_http_2_streaming", haproxy, shipped, http_2, true, stops},
      {"haproxy_http_2_one_stream", haproxy, shipped, http_2_stream, false, stops},
      {"haproxy_without_the_option_waiting", haproxy, without, http_1, false, goes_on},
      {"haproxy_without_the_option_streaming", haproxy, without, http_1, true, stops},
      {"haproxy_without_the_option_http_2_waiting", haproxy, without, http_2, false, goes_on},
      {"haproxy_without_the_option_http_2_one_stream", haproxy, without, http_2_stream, false,
       stops},
      {"haproxy_with_the_option_in_the_backend_waiting", haproxy, in_backend, http_1, false, stops,
       goes_on},
      {"haproxy_of_tcp_waiting", haproxy, tcp, http_1, false, stops},
  };
}

INSTANTIATE_TEST_SUITE_P(, behind_a_proxy, testing::ValuesIn(settings()),
                         [](const auto& tested) { return tested.param.name; });

class in_front : public testing::TestWithParam<kind> {
 protected:
  void SetUp() override { needs({test::program(program_of(GetParam())), test::program("curl")}); }
};

// What is answered to each of these, by one curl: "403 200 ".
std::string statuses(std::vector<std::string> options, const std::vector<std::string>& urls) {
  std::vector<std::string> command = {"curl", "-s", "--path-as-is", "-w", "%{http_code} "};
  command.insert(command.end(), options.begin(), options.end());
  for (const auto& url : urls) {
    command.insert(command.end(), {"-o", "/dev/null", url});
  }
  return run(command).output;
}

TEST_P(in_front, operators_pages_are_closed_however_their_path_is_written) {
  const shop f;
  const server own({"--config", f.config()});
  const proxy front(GetParam(), {}, place(own.port()));
  const auto is_closed = [](const std::string& seen) { return seen == "403 " || seen == "404 "; };
  for (const std::string page :
       {"/metrics", "/requests", "/requests/ended", "/readyz", "/jobs", "/spin"}) {
    EXPECT_EQ(statuses({}, {own.url(page)}), "200 ") << "it is there: " << page;
    const auto name = page.substr(1);
    const auto encoded =
        (std::ostringstream() << "/%" << std::hex << int{name[0]}).str() + name.substr(1);
    std::vector<std::string> urls;
    for (const auto& path : {page, page + "?limit=1", encoded, encoded + "?a=/healthz", "/" + page,
                             "//" + page, "/." + page, "/%2e" + page, "/x/.." + page,
                             "/x/%2E%2e" + page, "/%2f" + name, page + "/"}) {
      urls.push_back(front.url(path));
    }
    const auto seen = statuses({}, urls);
    EXPECT_EQ(seen.find_first_not_of("034 "), std::string::npos) << page << ": " << seen;
    EXPECT_EQ(seen.size(), 4 * urls.size()) << seen;
    const auto absolute = statuses({"--request-target", front.url(page)}, {front.url("/")});
    EXPECT_TRUE(is_closed(absolute)) << page << ": " << absolute;
    EXPECT_EQ(statuses({"--http2", "--cacert", front.certificate()}, {front.tls_url(page)}),
              "403 ");
    EXPECT_EQ(statuses({"-X", "DELETE"}, {front.url(page)}), "403 ") << page;
  }
  EXPECT_EQ(statuses({}, {front.url("/"), front.url("/?a=b")}), "403 403 ");
  EXPECT_EQ(
      statuses({"-X", "DELETE"}, {front.url("/requests/1"), front.url("/%72equests/1"),
                                  front.url("/requests%2f1"), front.url("/requests?route=/")}),
      "403 403 403 403 ");
  EXPECT_EQ(statuses({}, {front.url("/requests%2fended"), front.url("/%72equests%2Fended")}),
            "403 403 ");
}

TEST_P(in_front, what_clients_ask_for_passes_and_so_do_their_jobs) {
  const shop f;
  const server own({"--config", f.config()});
  const proxy front(GetParam(), {}, place(own.port()));
  const std::string sim = "/query/sim?rows=1&row_ms=0";
  EXPECT_EQ(
      statuses({}, {front.url("/healthz"), front.url(sim + "&a=/metrics"),
                    front.url(sim + "&a=//./metrics"), front.url("/%71uery/sim?rows=1&row_ms=0")}),
      "200 200 200 200 ");
  const auto begun = run({"curl", "-si", "-X", "POST",
                          front.url("/query/sqlite?report=top_customers&n=1&detach=1")})
                         .output;
  const auto at = begun.find("/jobs/");
  ASSERT_NE(at, std::string::npos) << begun;
  const auto job = begun.substr(at, begun.find('\r', at) - at);
  EXPECT_EQ(statuses({}, {front.url(job)}), "200 ");
}

TEST_P(in_front, by_a_unix_socket_a_hang_up_is_passed_on) {
  shop f;
  // As root, the workers of a proxy are another user.
  std::filesystem::permissions(f.path(), std::filesystem::perms(0755));
  const auto path = f / "s";
  f.settings["databases"] = nlohmann::json::object();
  f.settings["listen"] = {{"path", path}, {"mode", "0666"}};
  const server own({"--config", f.config()});
  const proxy front(GetParam(), {}, (GetParam() == kind::nginx ? "unix:" : "unix@") + path);
  process curl({"curl", "-s", "-H", "X-Request-Id: left",
                front.url("/query/sim?rows=1&row_ms=25000&stream=0")});
  ASSERT_TRUE(own.in_flight_until([](const auto& all) { return has(all, "left"); }));
  curl.signal(SIGKILL);
  const auto e = own.ended("left");
  EXPECT_EQ(e["status"], 499) << e;
  EXPECT_TRUE(e["client"].get<std::string>().starts_with("unix:uid=")) << e;
}

// It runs in compose only, where it finds its servers by the name of their service.
TEST(haproxy_of_compose, closes_what_the_other_one_closes) {
  const auto rules_of = [](const std::string& file) {
    std::istringstream lines(contents(file));
    std::vector<std::string> rules;
    for (std::string line; std::getline(lines, line);) {
      const auto from = line.find_first_not_of(' ');
      if (from != std::string::npos &&
          (line.compare(from, 4, "acl ") == 0 || line.compare(from, 13, "http-request ") == 0)) {
        rules.push_back(line.substr(from));
      }
    }
    return rules;
  };
  const auto rules = rules_of("docker/haproxy.cfg");
  EXPECT_EQ(rules, rules_of("config/haproxy.cfg"));
  EXPECT_EQ(rules.size(), 4U);
}

INSTANTIATE_TEST_SUITE_P(, in_front, testing::Values(kind::nginx, kind::haproxy),
                         [](const auto& tested) { return program_of(tested.param); });

}  // namespace
}  // namespace hangup::system_test
