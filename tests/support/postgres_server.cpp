#include "tests/support/postgres_server.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/file.h"
#include "tests/support/listener.h"

namespace hangup::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Debian keeps the server's programs out of PATH: the newest version there.
std::string newest_bin() {
  std::vector<std::pair<int, std::string>> found;
  std::error_code ec;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", ec)) {
    const auto bin = version.path() / "bin";
    if (fs::exists(bin / "initdb")) {
      found.emplace_back(std::atoi(version.path().filename().c_str()), bin.string());
    }
  }
  return found.empty() ? std::string() : std::max_element(found.begin(), found.end())->second;
}

std::string owner() {
  if (::geteuid() != 0) {
    return {};
  }
  return ::getpwnam("postgres") != nullptr ? "postgres" : "nobody";
}

// With owners and permissions.
void copy(const std::string& from, const std::string& to) {
  const auto done = run({"cp", "-a", from, to});
  if (done.exit != 0) {
    throw std::runtime_error(done.output);
  }
}

}  // namespace

bool postgres_server::is_installed() {
  return !newest_bin().empty();
}

postgres_server::postgres_server(const std::string& prepared)
    : bin_(newest_bin()), owner_(owner()), port_(listener().port()) {
  if (!owner_.empty()) {
    const auto* const entry = ::getpwnam(owner_.c_str());
    if (entry == nullptr || ::chown(folder_.path().c_str(), entry->pw_uid, entry->pw_gid) != 0) {
      throw std::runtime_error("chown " + folder_.path());
    }
  }
  const bool copied = !prepared.empty() && fs::exists(prepared);
  if (copied) {
    copy(prepared, folder_ / "data");
  } else {
    make_data();
  }
  std::ofstream(folder_ / "data/postgresql.auto.conf", std::ios::app)
      << "listen_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '"
      << folder_.path() << "'\n";
  start();
  if (!copied) {
    ask(contents("config/postgres.sql"));
    ask("CHECKPOINT");  // a server that is killed has not written the rest
  }
}

void postgres_server::make_data() const {
  const auto made =
      run(as_owner({bin_ + "/initdb", "-D", folder_ / "data", "-U", "postgres", "--auth=trust",
                    "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1"}));
  if (made.exit != 0) {
    throw std::runtime_error("initdb: " + made.output);
  }
  std::ofstream(folder_ / "data/postgresql.auto.conf", std::ios::app)
      << "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
         "shared_buffers = 32MB\nmax_connections = 50\nlog_min_messages = fatal\n";
}

postgres_server::~postgres_server() {
  if (server_) {
    server_->signal(SIGCONT);
    server_->signal(SIGQUIT);
    if (!server_->wait()) {
      kill();
    }
  }
}

std::vector<std::string> postgres_server::as_owner(std::vector<std::string> command) const {
  if (!owner_.empty()) {
    const auto group = std::to_string(::getpwnam(owner_.c_str())->pw_gid);
    command.insert(command.begin(),
                   {"setpriv", "--reuid=" + owner_, "--regid=" + group, "--init-groups", "--"});
  }
  // The data belongs to another user than the folder that we stand in.
  command.insert(command.begin(), {"env", "-C", "/tmp"});
  return command;
}

void postgres_server::start() {
  server_ = std::make_unique<process>(as_owner({bin_ + "/postgres", "-D", folder_ / "data"}));
  const auto is_over = [this] { return server_->wait(0ms).has_value(); };
  bool ready = false;
  eventually([&] { return (ready = ask("SELECT 'ready'") == "ready") || is_over(); }, 20ms);
  if (!ready) {
    throw std::runtime_error("postgres did not start: " + server_->output());
  }
}

void postgres_server::save(const std::string& to) {
  server_->signal(SIGINT);  // with the clients that there are; the rest is written
  if (!server_->wait()) {
    throw std::runtime_error("postgres does not stop: " + server_->output());
  }
  server_.reset();
  copy(folder_ / "data", to);
}

void postgres_server::kill() {
  const auto pid = std::to_string(server_->pid());
  server_->signal(SIGSTOP);  // no process more from here on
  std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
  std::vector<int> all;
  for (int child = 0; children >> child;) {
    all.push_back(child);
  }
  server_->signal(SIGKILL);
  for (const int child : all) {
    ::kill(child, SIGKILL);
  }
  server_->wait();
  server_.reset();
}

std::string postgres_server::conninfo() const {
  return "host=127.0.0.1 port=" + std::to_string(port_) + " user=postgres dbname=postgres";
}

std::string postgres_server::socket() const {
  return "host=" + folder_.path() + " port=" + std::to_string(port_) +
         " user=postgres dbname=postgres";
}

std::string postgres_server::ask(const std::string& sql) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> link(
      ::PQconnectdb((socket() + " application_name=observer").c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> r(::PQexec(link.get(), sql.c_str()),
                                                        &PQclear);
  return ::PQntuples(r.get()) > 0 ? ::PQgetvalue(r.get(), 0, 0) : "";
}

bool postgres_server::becomes(const std::string& sql, const std::string& answer) const {
  return eventually([&] { return ask(sql) == answer; }, 5ms);
}

}  // namespace hangup::test
