// A PostgreSQL server of the test's own: its data in a temporary folder, on a free port of loopback
// and on a socket in that folder, seeded with customers, orders and items. As root it runs as the
// user postgres (or nobody): the server refuses to run as root.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/system/program.h"

namespace hangup::system_test {

class postgres_server {
 public:
  static bool is_installed();

  postgres_server();  // std::runtime_error with the server's words if it does not start
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  void start();
  // SIGKILL to the server and each of its processes.
  void kill();
  void signal(int number) const { server_->signal(number); }

  std::string conninfo() const;  // by TCP
  std::string socket() const;    // by the socket
  int port() const noexcept { return port_; }

  // The first column of the first row of a statement, "" if there is none; by a connection of its
  // own.
  std::string ask(const std::string& sql) const;
  // Asks until the answer is this one.
  bool becomes(const std::string& sql, const std::string& answer) const;

 private:
  std::vector<std::string> as_owner(std::vector<std::string> command) const;

  const std::string bin_;
  const std::string owner_;  // empty: who we are
  std::string folder_;
  int port_ = 0;
  std::unique_ptr<process> server_;
};

}  // namespace hangup::system_test
