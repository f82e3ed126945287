// A PostgreSQL server of the test's own: its data in a temporary folder, on a free port of loopback
// and on a socket in that folder, seeded with customers, orders and items. As root it runs as the
// user postgres (or nobody): the server refuses to run as root.
//
// To make the data takes seconds. A run of many tests makes it once (postgres_prepare.cpp), and
// each test begins with a copy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace hangup::test {

class postgres_server {
 public:
  static bool is_installed();

  // Starts it, with a copy of what save() has written to `prepared`, or makes its data if there is
  // none. std::runtime_error with the server's words if it does not start.
  explicit postgres_server(const std::string& prepared = {});
  ~postgres_server();
  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  void start();
  // Stops it, and copies its data to a folder, which must not be there yet.
  void save(const std::string& to);
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
  void make_data() const;
  std::vector<std::string> as_owner(std::vector<std::string> command) const;

  const std::string bin_;
  const std::string owner_;  // empty: who we are
  const temporary_directory folder_;
  int port_ = 0;
  std::unique_ptr<process> server_;
};

}  // namespace hangup::test
