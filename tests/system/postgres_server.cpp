#include "tests/system/postgres_server.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/system/listener.h"

namespace hangup::system_test {
namespace {

namespace fs = std::filesystem;

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

std::string contents(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

bool postgres_server::is_installed() {
  return !newest_bin().empty();
}

postgres_server::postgres_server() : bin_(newest_bin()), owner_(owner()), port_(listener().port()) {
  std::string name = "/tmp/hangup-postgres-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp");
  }
  folder_ = name;
  if (!owner_.empty()) {
    const auto* const entry = ::getpwnam(owner_.c_str());
    if (entry == nullptr || ::chown(folder_.c_str(), entry->pw_uid, entry->pw_gid) != 0) {
      throw std::runtime_error("chown " + folder_);
    }
  }
  const auto made =
      run(as_owner({bin_ + "/initdb", "-D", folder_ + "/data", "-U", "postgres", "--auth=trust",
                    "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"}));
  if (made.exit != 0) {
    throw std::runtime_error("initdb: " + made.output);
  }
  std::ofstream(folder_ + "/data/postgresql.auto.conf", std::ios::app)
      << "listen_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '"
      << folder_
      << "'\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
         "shared_buffers = 32MB\nmax_connections = 50\nlog_min_messages = fatal\n";
  start();
  ask(contents("config/postgres.sql"));
  ask("CHECKPOINT");  // a server that is killed has not written the rest
}

postgres_server::~postgres_server() {
  if (server_) {
    server_->signal(SIGCONT);
    server_->signal(SIGQUIT);
    if (!server_->wait()) {
      kill();
    }
  }
  std::error_code ec;
  fs::remove_all(folder_, ec);
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
  server_ = std::make_unique<process>(as_owner({bin_ + "/postgres", "-D", folder_ + "/data"}));
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (ask("SELECT 'ready'") != "ready") {
    if (std::chrono::steady_clock::now() > limit) {
      throw std::runtime_error("postgres did not start: " + server_->output());
    }
    ::poll(nullptr, 0, 20);
  }
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
  return "host=" + folder_ + " port=" + std::to_string(port_) + " user=postgres dbname=postgres";
}

std::string postgres_server::ask(const std::string& sql) const {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> link(
      ::PQconnectdb((socket() + " application_name=observer").c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> r(::PQexec(link.get(), sql.c_str()),
                                                        &PQclear);
  return ::PQntuples(r.get()) > 0 ? ::PQgetvalue(r.get(), 0, 0) : "";
}

bool postgres_server::becomes(const std::string& sql, const std::string& answer) const {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (ask(sql) != answer) {
    if (std::chrono::steady_clock::now() > limit) {
      return false;
    }
    ::poll(nullptr, 0, 5);
  }
  return true;
}

}  // namespace hangup::system_test
