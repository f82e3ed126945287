#include "server/file_checks.h"

#include <filesystem>
#include <system_error>

#include "handlers/query/postgres_files.h"
#include "http/listener.h"
#include "server/databases.h"
#include "server/identity.h"
#include "server/relay_upstreams.h"
#include "server/sample_place.h"
#include "server/search_files.h"
#include "server/text_file.h"

namespace hangup::server {
namespace {

bool is_there(const std::string& path) {
  std::error_code ec;
  return std::filesystem::exists(path, ec) || ec;  // what cannot be looked at is not made, either
}

void check_identity(const config& c, mistakes& wrong) {
  try {
    static_cast<void>(identity_of(c));
  } catch (const http::tls_error& e) {
    wrong.add(std::string("tls: ") + e.what());
  }
}

void check_search(const config::search_t& c, mistakes& wrong) {
  if (c.root.empty()) {
    return;
  }
  if (c.sample && !is_there(c.root)) {
    if (const auto ec = can_be_made(c.root, std::filesystem::path(c.root).is_absolute())) {
      wrong.add(corpus_not_made(c.root, why_not_made(c.root, ec)));
    }
    return;
  }
  try {
    const search::root opened(c.root);
  } catch (const search::root_error& e) {
    wrong.add(std::string("search.root: ") + e.what());
  }
}

void check_relay(const config::relay_t& c, mistakes& wrong) {
  for (const auto& [name, u] : c.upstreams) {
    try {
      static_cast<void>(open_upstream(name, c));
    } catch (const std::invalid_argument& e) {
      wrong.add(e.what());
    }
  }
}

void check_database(const std::string& name, const config::database_t& d, mistakes& wrong) {
  if (d.kind == "sqlite" && d.sample && !is_there(d.file)) {
    const auto in_data_folder = std::filesystem::path(d.file).parent_path() == data_folder();
    if (const auto ec = can_be_made(d.file, in_data_folder)) {
      wrong.add(sample_not_made(name, d.file, why_not_made(d.file, ec)));
    }
  }
  if (d.kind == "postgres") {
    for (const auto& file : query::files_in_conninfo(d.conninfo)) {
      // libpq opens it without looking, and would wait for ever.
      if (kind_of_special_file(file) == "a FIFO") {
        wrong.add("databases." + name + ".conninfo: found " + shown(file) +
                  ", which is a FIFO, allowed a regular file");
      }
    }
  }
}

mistakes by_who(const launch& with, const mistakes& found) {
  mistakes wrong;
  wrong.add_all(found, [&](const std::string& line) {
    return in_one_line(who_said(line, with.source, with.over)) + ": " + line;
  });
  return wrong;
}

}  // namespace

mistakes check_files(const launch& with) {
  const auto& c = with.settings;
  mistakes found;
  check_identity(c, found);
  check_search(c.search, found);
  check_relay(c.relay, found);
  for (const auto& [name, d] : c.databases) {
    check_database(name, d, found);
  }
  return by_who(with, found);
}

mistakes check_host(const launch& with) {
  const auto& host = with.settings.listen.host;
  mistakes found;
  http::listener sockets;
  if (const auto ec = http::listen_on(host, 0, {}, sockets)) {
    found.add("listen.host: found " + shown(host) + ", on which nothing can listen (" +
              ec.message() + "), allowed an address of this machine, or a name that has one");
  }
  return by_who(with, found);
}

}  // namespace hangup::server
